"""Arguments: what a method takes, and what is said of a call that does not fit.

Both ends ask the same class: the proxy before anything is sent, the pool before the method runs.
So both say the same: "FileService.fetch: argument 'path' must be str, not int".
"""

from types import FunctionType

from ..core.visible import visible
from .annotations import Reader, annotations_of
from .kinds import Anything, Either, Plain, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from .kinds import Kind

__all__ = ["Arguments", "Signature", "name_of", "unwrap"]

TAKES_ARGS = 0x04
TAKES_KWARGS = 0x08

# Decorators above decorators: more are a circle.
WRAPPERS_LIMIT = 64

DEFAULT_SHOWN = 80


class Signature:
    """The parameters of a function, as its code has them.

    Of a decorated function that takes whatever comes, those of the one that it wraps.
    """

    def __init__(self, function: "FunctionType") -> "None":
        self.function = function = unwrap(function)
        code = function.__code__
        positional, only_names = code.co_argcount, code.co_kwonlyargcount
        names = code.co_varnames
        self.positional = names[:positional]
        self.names = names[: positional + only_names]
        self.takes_args = bool(code.co_flags & TAKES_ARGS)
        # The name of **kwargs, "" without.
        self.rest = ""
        if code.co_flags & TAKES_KWARGS:
            self.rest = names[positional + only_names + self.takes_args]
        # How many take no name; from Python 3.8 on.
        self.nameless: "int" = getattr(code, "co_posonlyargcount", 0)
        values = function.__defaults__ or ()
        self.defaults = dict(zip(self.positional[positional - len(values) :], values))
        self.defaults.update(function.__kwdefaults__ or {})


class Arguments:
    """What one method takes.

    declared: what `arg_spec` says; it wins over annotations. skip: parameters that are filled in
    where the method runs. TypeError for a declared name that the method lacks.
    """

    def __init__(
        self,
        function: "Any",
        declared: "Optional[Dict[str, Any]]" = None,
        skip: "Sequence[str]" = (),
    ) -> "None":
        signature = Signature(function)
        self._name = name_of(function)
        self._signature = signature
        self._skip = tuple(skip)
        # The first one is the service.
        own = [name for name in signature.names[1:] if name not in self._skip]
        self._positional = [name for name in signature.positional[1:] if name in own]
        self._required = frozenset(name for name in own if name not in signature.defaults)
        self._rest: "Optional[Kind]" = None
        self._kinds = self._read(own, declared or {})

    def _read(self, own: "Sequence[str]", declared: "Dict[str, Any]") -> "Dict[str, Kind]":
        signature = self._signature
        reader = Reader(signature.function)
        annotations = annotations_of(signature.function)
        kinds: "Dict[str, Kind]" = {}
        for name in own:
            if name in declared:
                kinds[name] = reader.read_declared(declared[name])
            elif name in annotations:
                kinds[name] = reader.read(annotations[name])
            else:
                kinds[name] = Anything("")
        if signature.rest:
            rest = signature.rest
            self._rest = reader.read(annotations[rest]) if rest in annotations else Anything("")
        for name in declared:
            if name in kinds:
                continue
            if not self._may_be_new(name):
                raise TypeError(
                    "%s: arg_spec names %r, which is none of its arguments; %s"
                    % (self._name, name, self._takes())
                )
            kinds[name] = reader.read_declared(declared[name])
        return {name: self._allow_default(name, kind) for name, kind in kinds.items()}

    def _allow_default(self, name: "str", kind: "Kind") -> "Kind":
        """Let an argument be None whose default is that, whatever its annotation says."""
        is_none = self._signature.defaults.get(name, self) is None
        if is_none and kind.find_fault(None) is not None:
            return Either([kind, Plain(type(None))])
        return kind

    @property
    def kinds(self) -> "Dict[str, Kind]":
        """What each argument may be, by name."""
        return self._kinds

    def check(self, kwargs: "Dict[str, Any]") -> "None":
        """Raise TypeError naming the argument that is unknown, missing or of a wrong type."""
        kinds = self._kinds
        if not kinds.keys() >= kwargs.keys():
            self._check_names(kwargs)
        if not kwargs.keys() >= self._required:
            missing = next(name for name in kinds if name in self._required - kwargs.keys())
            raise TypeError("%s: argument %r is missing" % (self._name, missing))
        for name, value in kwargs.items():
            kind = kinds.get(name) or self._rest
            fault = kind.find_fault(value) if kind is not None else None
            if fault is not None:
                raise TypeError(
                    "%s: argument %s%s must be %s, not %s" % (self._name, show(name), *fault)
                )

    def bind(self, args: "Tuple[Any, ...]", kwargs: "Dict[str, Any]") -> "Dict[str, Any]":
        """Return all arguments by name, in the order given; nothing else is checked."""
        positional = self._positional
        if len(args) > len(positional):
            raise TypeError(self._too_many(len(args)))
        bound = dict(zip(positional, args))
        for name in bound:
            if name in kwargs:
                raise TypeError("%s() got multiple values for argument %r" % (self._name, name))
        bound.update(kwargs)
        return bound

    def describe(self) -> "List[Tuple[str, str, str]]":
        """Return (name, type, default) of each as texts, "" for what it has not."""
        defaults = self._signature.defaults
        described = [
            (name, _describe(kind), _show_default(defaults[name]) if name in defaults else "")
            for name, kind in self._kinds.items()
        ]
        if self._rest is not None:
            described.append(("**" + self._signature.rest, _describe(self._rest), ""))
        return described

    def _may_be_new(self, name: "str") -> "bool":
        """Tell whether **kwargs takes a name."""
        taken = self._signature.names[self._signature.nameless :]
        return self._rest is not None and name not in taken

    def _check_names(self, kwargs: "Dict[str, Any]") -> "None":
        for name in kwargs:
            if name in self._skip:
                raise TypeError(
                    "%s: argument %r is filled in where the service runs; leave it out"
                    % (self._name, name)
                )
            if name not in self._kinds and not (isinstance(name, str) and self._may_be_new(name)):
                raise TypeError(
                    "%s: argument %s is unknown; %s" % (self._name, show(name), self._takes())
                )

    def _takes(self) -> "str":
        names = [name for name in self._signature.names[1:] if name not in self._skip]
        if self._rest is not None:
            names.append("**" + self._signature.rest)
        return "it takes %s" % (", ".join(names) or "none")

    def _too_many(self, given: "int") -> "str":
        most = len(self._positional)
        least = sum(name in self._required for name in self._positional)
        return "%s() takes %s positional argument%s but %d %s given" % (
            self._name,
            most if most == least else "from %d to %d" % (least, most),
            "" if most == 1 else "s",
            given,
            "was" if given == 1 else "were",
        )


def unwrap(function: "FunctionType") -> "FunctionType":
    """Return what decorators wrap, through those that pass on whatever comes."""
    for _ in range(WRAPPERS_LIMIT):
        inner = function.__dict__.get("__wrapped__")
        if not function.__code__.co_flags & TAKES_ARGS or type(inner) is not FunctionType:
            break
        function = inner
    return function


def name_of(function: "FunctionType") -> "str":
    """Return what to call a method in messages: Class.method."""
    return visible(function.__qualname__.rpartition("<locals>.")[2])


def _describe(kind: "Kind") -> "str":
    return kind.text if kind.is_checked else kind.text + " (not checked)"


def _show_default(value: "Any") -> "str":
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001  code of the user
        text = type(value).__name__
    return visible(text if len(text) <= DEFAULT_SHOWN else text[:DEFAULT_SHOWN] + "...")
