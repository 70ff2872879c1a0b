"""Annotations: reads what a method says of its arguments, and gives it as kinds.

Annotations are objects or texts. A text is parsed and its names are looked up; nothing in it is
run, so that `int | None` and `list[int]` in quotes work on every Python. Nothing of `typing` is
imported: its objects are known by what they show of themselves, which changed little from 3.6 on.
What cannot be understood is not checked, and says so.
"""

import _ast
import builtins
import importlib
import sys
from collections import abc

from ..core.visible import visible
from .kinds import Anything, Choice, Either, Kind, Many, Plain, Row, Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType
    from typing import Any, Dict, List, Optional, Sequence, Tuple

__all__ = ["Reader", "annotations_of", "is_readable"]


class Form:
    """What `typing` has that is no class, by its name there."""

    def __init__(self, name: "str") -> "None":
        self.name = name


# By these names the objects of `typing` are known. They stand for them too where a text names one
# whose import only type checkers see.
SPECIAL = ("Annotated", "Any", "Final", "Literal", "Optional", "Union")
ABSTRACT = (
    "Collection",
    "Container",
    "Hashable",
    "Iterable",
    "Iterator",
    "Mapping",
    "MutableMapping",
    "MutableSequence",
    "MutableSet",
    "Reversible",
    "Sequence",
    "Sized",
)
FORMS: "Dict[str, Any]" = dict(
    [(name, Form(name)) for name in SPECIAL] + [(name, getattr(abc, name)) for name in ABSTRACT],
    AbstractSet=abc.Set,
    Dict=dict,
    FrozenSet=frozenset,
    List=list,
    Set=set,
    Text=str,
    Tuple=tuple,
)

TYPING = ("typing", "typing_extensions")

# Where a constant keeps its value: one class of nodes from 3.8 on, several before.
CONSTANTS = {"Bytes": "s", "Constant": "value", "NameConstant": "value", "Num": "n", "Str": "s"}

# Before 3.12 a tree may be lost to another thread that makes one (bootstrap/parse.py).
ATTEMPTS = 100

MISSING = object()
NONE = type(None)
SCALARS = (bool, bytes, int, str, NONE)
SHOWN = 80


class Unreadable(Exception):
    """A text, or an object, that is no type as far as this file knows."""


class Reader:
    """Reads the annotations of one function, with the names that its module knows."""

    def __init__(self, function: "FunctionType") -> "None":
        self._names = function.__globals__
        # The aliases that are being read: one that contains itself is not followed again.
        self._open: "List[str]" = []

    def read(self, annotation: "Any") -> "Kind":
        """Return the kind that an annotation stands for."""
        try:
            return self._read(annotation)
        except Exception:  # noqa: BLE001  any object may stand there, and do as it likes
            del self._open[:]
            return Anything(_text_of(annotation), is_checked=False)

    def read_declared(self, value: "Any") -> "Kind":
        """Return the kind of a value of `arg_spec`: in a tuple each is a choice, None is all."""
        if value is None:
            return Anything("Any")
        if isinstance(value, tuple):
            return Either([self.read(member) for member in value])
        return self.read(value)

    # -- objects ---------------------------------------------------------------------------------

    def _read(self, thing: "Any") -> "Kind":
        """Read an annotation, or a node of a text."""
        if isinstance(thing, _ast.AST):
            return self._read_node(thing)
        if thing is None or thing is NONE:
            return Plain(NONE)
        kind = type(thing).__name__
        if kind in ("ForwardRef", "_ForwardRef"):
            thing = thing.__forward_arg__
        if isinstance(thing, str):
            return self._read_node(_parse(thing))
        if kind == "TypeAliasType":
            return self._read_alias(thing.__name__, thing.__value__)
        if kind in ("UnionType", "Union"):
            return self._read_either(thing.__args__)
        if not isinstance(thing, type) and hasattr(thing, "__supertype__"):
            return self._read(thing.__supertype__)
        origin = getattr(thing, "__origin__", None)
        if origin is None or getattr(thing, "_special", False) or not hasattr(thing, "__args__"):
            return self._read_bare(_form_of(thing))
        if hasattr(thing, "__metadata__"):  # Annotated
            return self._read(origin)
        args = thing.__args__
        return self._read_form(_form_of(origin), () if args == ((),) else args or ())

    def _read_bare(self, form: "Any") -> "Kind":
        """Read a form without parameters."""
        if form is object or (isinstance(form, Form) and form.name == "Any"):
            return Anything("object" if form is object else "Any")
        if not isinstance(form, type):
            raise Unreadable(form)
        return Plain(form)

    def _read_form(self, form: "Any", args: "Sequence[Any]") -> "Kind":
        """Read a form with parameters: List[int], Optional[str], Literal["a"]."""
        if isinstance(form, type):
            return self._read_container(form, args)
        name = form.name if isinstance(form, Form) else ""
        if name == "Literal":
            return Choice([_literal(arg) for arg in args])
        if name in ("Optional", "Union"):
            return self._read_either(args if name == "Union" else (args[0], None))
        if name in ("Annotated", "Final"):
            return self._read_part(args[0])
        raise Unreadable(form)

    def _read_container(self, cls: "Any", args: "Sequence[Any]") -> "Kind":
        if issubclass(cls, tuple):
            if len(args) == 2 and _is_ellipsis(args[1]):
                return Many(cls, self._read_part(args[0]))
            return Row([self._read_part(arg) for arg in args]) if cls is tuple else Plain(cls)
        if issubclass(cls, abc.Mapping) and len(args) == 2:
            return Table(cls, self._read_part(args[0]), self._read_part(args[1]))
        if issubclass(cls, (abc.Iterable, abc.Container)) and len(args) == 1:
            return Many(cls, self._read_part(args[0]))
        return Plain(cls)

    def _read_either(self, args: "Sequence[Any]") -> "Kind":
        return Either([self._read_part(arg) for arg in args])

    def _read_alias(self, name: "str", value: "Any") -> "Kind":
        if name in self._open:
            return Anything(name, is_checked=False)
        self._open.append(name)
        kind = self._read(value)
        self._open.pop()
        return kind

    def _read_part(self, thing: "Any") -> "Kind":
        """Read a parameter; one that is not understood does not spoil the rest."""
        try:
            return self._read(thing)
        except Unreadable:
            if isinstance(thing, _ast.AST):
                raise  # of which no text is at hand
            return Anything(_text_of(thing), is_checked=False)

    # -- texts -----------------------------------------------------------------------------------

    def _read_node(self, node: "Any") -> "Kind":
        kind = type(node).__name__
        if kind in CONSTANTS:
            return self._read_constant(getattr(node, CONSTANTS[kind]))
        if kind == "BinOp" and type(node.op).__name__ == "BitOr":
            return self._read_either((node.left, node.right))
        if kind == "Subscript":
            return self._read_subscript(node)
        name, found = self._find(node)
        if found is MISSING:
            return Anything(name, is_checked=False)
        form = _form_of(found)
        return self._read_alias(name, found) if form is None else self._read_bare(form)

    def _read_constant(self, value: "Any") -> "Kind":
        if value is not None and not isinstance(value, str):
            raise Unreadable(value)
        return self._read(value)

    def _read_subscript(self, node: "Any") -> "Kind":
        name, found = self._find(node.value)
        if found is MISSING:
            return Anything(name + "[...]", is_checked=False)
        form = _form_of(found)
        if form is None:  # an alias that takes parameters: those are not followed
            return self._read_alias(name, found)
        inner = node.slice
        if type(inner).__name__ == "Index":  # before 3.9
            inner = inner.value
        return self._read_form(form, inner.elts if type(inner).__name__ == "Tuple" else (inner,))

    def _find(self, node: "Any") -> "Tuple[str, Any]":
        """Return a dotted name, and what it is the name of."""
        if type(node).__name__ == "Name":
            name = node.id
            found = self._names.get(name, MISSING)
            if found is MISSING:
                found = getattr(builtins, name, FORMS.get(name, MISSING))
            return name, found
        if type(node).__name__ != "Attribute":
            raise Unreadable(node)
        base, owner = self._find(node.value)
        name = "%s.%s" % (base, node.attr)
        if isinstance(owner, (type, type(sys))):
            return name, getattr(owner, node.attr, MISSING)
        if base in TYPING or base == "collections.abc":
            return name, FORMS.get(node.attr, MISSING)
        return name, MISSING


def annotations_of(function: "FunctionType") -> "Dict[str, Any]":
    """Return the annotations of a function; as texts where one of them cannot be evaluated."""
    try:
        return function.__annotations__
    except Exception:  # noqa: BLE001  from 3.14 on they are evaluated now, by code of the user
        return _annotations_as_texts(function)


def is_readable(value: "Any") -> "bool":
    """Tell whether a value looks like a type, so that it may stand in `arg_spec`."""
    return (
        value is None
        or isinstance(value, (str, type))
        or hasattr(value, "__origin__")
        or hasattr(value, "__supertype__")
        or type(value).__module__ in ("types", *TYPING)
    )


def _annotations_as_texts(function: "FunctionType") -> "Dict[str, Any]":
    try:
        library: "Any" = importlib.import_module("annotationlib")
        texts: "Dict[str, Any]" = library.get_annotations(function, format=library.Format.STRING)
        return texts
    except Exception:  # noqa: BLE001  the same code again: then nothing is checked
        return {}


def _form_of(thing: "Any") -> "Any":
    """Return the class or the Form that an object is or stands for; None for others."""
    if isinstance(thing, Form):
        return thing
    module = getattr(thing, "__module__", None)
    if module in TYPING or type(thing).__module__ in TYPING:
        # "typing.List" everywhere, but "<class 'typing.Union'>" in some versions
        name = repr(thing).rstrip("'>").rpartition(".")[2]
        if name in FORMS:
            return FORMS[name]
    if isinstance(thing, type) and getattr(thing, "__origin__", None) is None:
        return thing
    return None


def _parse(text: "str") -> "Any":
    for _ in range(ATTEMPTS):
        try:
            return _compile(text)
        except SystemError:
            continue
    return _compile(text)


def _compile(text: "str") -> "Any":
    # As ast.parse() does it, but importing `ast` takes ten milliseconds.
    tree: "Any" = compile(text.strip(), "<annotation>", "eval", _ast.PyCF_ONLY_AST, True)
    return tree.body


def _literal(thing: "Any") -> "Any":
    """Return one value of a Literal."""
    sign = 1
    if type(thing).__name__ == "UnaryOp" and type(thing.op).__name__ == "USub":
        thing = thing.operand
        sign = -1
    if isinstance(thing, _ast.AST):
        thing = getattr(thing, CONSTANTS.get(type(thing).__name__, ""), thing)
    if type(thing) not in SCALARS:
        raise Unreadable(thing)
    return -thing if sign < 0 else thing


def _is_ellipsis(thing: "Any") -> "bool":
    if type(thing).__name__ == "Ellipsis":  # a node, before 3.8
        return True
    return thing is ... or getattr(thing, "value", None) is ...


def _text_of(annotation: "Any") -> "str":
    """Return a text for what could not be read; whatever its repr() does."""
    text: "Optional[str]" = annotation if isinstance(annotation, str) else None
    try:
        text = text or repr(annotation)
    except Exception:  # noqa: BLE001  code of the user
        text = type(annotation).__name__
    return visible(text[:SHOWN])
