"""Expose: which methods of a class may be called from elsewhere, by whom, and with what.

    @expose(policy=AllowParents())
    @arg_spec({"path": str})
    def fetch(self, path): ...

The decorators return the very function that they are given, with a mark on it; their order does
not matter. A mark is of one function: a method that overrides an exposed one is not exposed, and
neither is what another decorator makes of it, so `expose` stands above those.
"""

from types import FunctionType

from .annotations import is_readable
from .arguments import Arguments, Signature, name_of
from .base import Service
from .call import Call
from .policy import Policy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Type, TypeVar, Union

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = ["Method", "arg_spec", "expose", "find_method", "methods_of", "no_reply"]

MARK = "_remotesvc_mark"

IS_GENERATOR = 0x20
IS_ASYNC = 0x80 | 0x100 | 0x200


class Method:
    """An exposed method.

    name: what callers call it. function: what runs. policies: each must authorize a call, in this
    order. arguments: what it takes. is_no_reply: nobody hears of its outcome. is_stream: it is
    a generator. call_parameter: the parameter that is filled in with the Call, "" without. doc:
    its docstring.
    """

    __slots__ = (
        "arguments",
        "call_parameter",
        "doc",
        "function",
        "is_no_reply",
        "is_stream",
        "name",
        "policies",
    )

    def __init__(self, name: "str", mark: "_Mark") -> "None":
        function = mark.function
        self.name = name
        self.function = function
        self.policies = tuple(mark.policies)
        self.is_no_reply = mark.is_no_reply
        self.is_stream = bool(function.__code__.co_flags & IS_GENERATOR)
        self.doc = (function.__doc__ or "").strip()
        self.arguments = Arguments(function, mark.declared)
        self.call_parameter = _find_call(self.arguments, name_of(function))
        if self.call_parameter:
            self.arguments = Arguments(function, mark.declared, (self.call_parameter,))

    def __repr__(self) -> "str":
        return "<Method %s>" % name_of(self.function)


class _Mark:
    """What the decorators said of one function."""

    __slots__ = ("declared", "function", "is_no_reply", "methods", "policies")

    def __init__(self, function: "FunctionType", inner: "Optional[_Mark]") -> "None":
        self.function = function
        # What was said of a function that this one wraps was said of it, too.
        self.policies: "List[Policy]" = list(inner.policies) if inner else []
        self.declared: "Dict[str, Any]" = dict(inner.declared) if inner else {}
        self.is_no_reply: "bool" = inner.is_no_reply if inner else False
        # The methods that it is, by name: annotations are read when one is first called, for
        # they may name what its module defines further down.
        self.methods: "Dict[str, Method]" = {}

    def method(self, name: "str") -> "Method":
        """Return the method that the function is under a name."""
        method = self.methods.get(name)
        if method is None:
            method = self.methods[name] = Method(name, self)
        return method


def expose(policy: "Union[Policy, Type[Policy]]") -> "Callable[[F], F]":
    """Let a method be called from elsewhere, where the policy authorizes it.

    policy: a Policy, or a class of such that is made without arguments. Several `expose` of one
    method: all must authorize. TypeError for what is no plain method with named arguments.
    """
    decided = policy() if isinstance(policy, type) and issubclass(policy, Policy) else policy
    _check_policy(decided)

    def decorate(function: "F") -> "F":
        mark = _mark(function, "expose")
        _check_name(mark.function)
        mark.policies.insert(0, decided)
        return function

    return decorate


def arg_spec(spec: "Dict[str, Any]") -> "Callable[[F], F]":
    """Say of which types the arguments of a method are; it wins over annotations.

    spec: by name a type, a tuple of types, None for anything, or what may stand as an annotation.
    What it does not name keeps its annotation; defaults make optional, as ever.
    """
    if not isinstance(spec, dict):
        raise TypeError("arg_spec(%r): wanted is a dict of argument names and types" % (spec,))
    for name, value in spec.items():
        if not _is_spec(value):
            raise TypeError(
                "arg_spec: %r is %r: give a type, a tuple of types, or None for anything"
                % (name, value)
            )

    def decorate(function: "F") -> "F":
        mark = _mark(function, "arg_spec")
        mark.declared.update(spec)
        Arguments(mark.function, mark.declared)  # raises for names that there are not
        return function

    return decorate


def no_reply(function: "Any" = None) -> "Any":
    """Have a method answered when it begins; nobody hears of its outcome, failures are logged."""
    if function is None:
        return no_reply
    mark = _mark(function, "no_reply")
    if function.__code__.co_flags & IS_GENERATOR:
        raise TypeError("no_reply: %s yields, and nobody would read it" % name_of(function))
    mark.is_no_reply = True
    return function


def find_method(cls: "type", name: "str") -> "Optional[Method]":
    """Return the exposed method of a class with a name, None without one."""
    if name[:1] == "_":
        return None
    for base in cls.__mro__:
        if name in base.__dict__:
            return _method_in(base.__dict__[name], name)
    return None


def methods_of(cls: "type") -> "Dict[str, Method]":
    """Return the exposed methods of a class by name, inherited ones too.

    Names that begin with "_" never are, nor what overrides an exposed method without `expose`.
    """
    found: "Dict[str, Any]" = {}
    for base in reversed(cls.__mro__):
        found.update(base.__dict__)
    methods: "Dict[str, Method]" = {}
    for name, value in found.items():
        method = _method_in(value, name) if name[:1] != "_" else None
        if method is not None:
            methods[name] = method
    return methods


def _method_in(value: "Any", name: "str") -> "Optional[Method]":
    if type(value) is not FunctionType:
        return None
    mark: "Optional[_Mark]" = value.__dict__.get(MARK)
    # functools.wraps() copies the mark of an exposed method to whatever overrides it.
    if mark is None or mark.function is not value or not mark.policies:
        return None
    return mark.method(name)


def _mark(function: "Any", decorator: "str") -> "_Mark":
    """Return the mark of a function, a new one at first; TypeError for what cannot be exposed."""
    if type(function) is not FunctionType:
        raise TypeError(
            "%s: wanted is a plain method, got %r; staticmethod, classmethod and property cannot "
            "be exposed" % (decorator, function)
        )
    mark: "Optional[_Mark]" = function.__dict__.get(MARK)
    if mark is None or mark.function is not function:
        _check_signature(function, decorator)
        mark = _Mark(function, mark)
        setattr(function, MARK, mark)
    mark.methods.clear()
    return mark


def _check_policy(policy: "Any") -> "None":
    if not isinstance(policy, Policy):
        raise TypeError(
            "expose(%r): wanted is a Policy: write @expose(policy=AllowParents()), or say who "
            "else may call it" % (policy,)
        )
    decides = type(policy).is_authorized
    problem = ""
    if decides is Policy.is_authorized:
        problem = "decides nothing: define is_authorized(service, call) in it"
    elif getattr(decides, "__code__", None) and decides.__code__.co_flags & (
        IS_ASYNC | IS_GENERATOR
    ):
        # What such a call returns is true, whoever asks.
        problem = "has an is_authorized() that decides later: write it without async and yield"
    if problem:
        raise TypeError("expose: %s %s" % (type(policy).__name__, problem))


def _check_signature(function: "FunctionType", decorator: "str") -> "None":
    signature = Signature(function)
    problem = ""
    if function.__code__.co_flags & IS_ASYNC:
        problem = "is a coroutine: methods run on threads, so write it without async"
    elif signature.takes_args:
        problem = "takes *args: every argument needs a name, so that it can be checked"
    elif signature.nameless > 1:
        problem = "has positional-only arguments: they travel by name, so take the / away"
    elif not signature.positional:
        problem = "takes no self: only methods can be exposed"
    if problem:
        raise TypeError("%s: %s %s" % (decorator, name_of(function), problem))


def _check_name(function: "FunctionType") -> "None":
    name, problem = function.__name__, ""
    if name[:1] == "_":
        problem = "is private, as its name begins with _, and so never called from elsewhere"
    elif hasattr(Service, name):
        problem = "has a name that the base class Service needs itself"
    if problem:
        raise TypeError("expose: %s %s: give it another one" % (name_of(function), problem))


def _is_spec(value: "Any") -> "bool":
    if type(value) is tuple:
        return bool(value) and all(map(is_readable, value))
    return is_readable(value)


def _find_call(arguments: "Arguments", name: "str") -> "str":
    """Return the parameter that is annotated with Call, "" without one."""
    found = [key for key, kind in arguments.kinds.items() if kind.names(Call)]
    if len(found) > 1:
        raise TypeError("%s: %s are annotated with Call; one is enough" % (name, found))
    return found[0] if found else ""
