"""How the list of active services looks for people. Pure.

It comes from a host, so its shape is checked: what has another one is shown as any result is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from remotesvc.core.visible import visible

from .render import Shown, show_value

__all__ = ["Argument", "Method", "Service", "read_catalog", "show_catalog"]

T = TypeVar("T")

NOTHING = (
    "no service is active: each command starts a child of its own; "
    "--activate module.Class shows what a service has"
)


@dataclass(frozen=True)
class Argument:
    """Of a method: its name, its type and its default as text, "" without one."""

    name: str
    type_text: str
    default: str


@dataclass(frozen=True)
class Method:
    """An exposed method."""

    name: str
    arguments: tuple[Argument, ...]
    policies: tuple[str, ...]
    is_stream: bool
    is_no_reply: bool
    doc: str


@dataclass(frozen=True)
class Service:
    """An active service, and how much it was used."""

    name: str
    invoker: str
    calls: int
    errors: int
    waiting: int
    methods: tuple[Method, ...]


def show_catalog(value: object) -> Shown:
    """Return how a list of services looks: a line for each, its methods below it."""
    try:
        found = read_catalog(value)
    except (KeyError, TypeError, ValueError):
        return show_value(value)
    if not found:
        return Shown(None, NOTHING)
    # Each line for itself: a newline in a name is no newline.
    return Shown("\n".join(visible(line) for one in found for line in _lines(one)))


def read_catalog(value: object) -> tuple[Service, ...]:
    """Return what a host tells of its services; KeyError, TypeError or ValueError for no such."""
    return tuple(map(_read_service, _typed(value, list)))


def _read_service(value: object) -> Service:
    found = _typed(value, dict)
    return Service(
        _typed(found["name"], str),
        _typed(found["invoker"], str),
        _typed(found["calls"], int),
        _typed(found["errors"], int),
        _typed(found["waiting"], int),
        tuple(map(_read_method, _typed(found["methods"], list))),
    )


def _read_method(value: object) -> Method:
    found = _typed(value, dict)
    return Method(
        _typed(found["name"], str),
        tuple(map(_read_argument, _typed(found["arguments"], list))),
        tuple(_typed(one, str) for one in _typed(found["policies"], list)),
        _typed(found["is_stream"], bool),
        _typed(found["is_no_reply"], bool),
        _typed(found["doc"], str),
    )


def _read_argument(value: object) -> Argument:
    name, type_text, default = (_typed(one, str) for one in _typed(value, list))
    return Argument(name, type_text, default)


def _typed(value: object, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"wanted is {kind.__name__}, got {type(value).__name__}")
    return value


def _lines(service: Service) -> Iterator[str]:
    counts = f"{_count(service.calls, 'call')}, {_count(service.errors, 'error')}"
    yield f"{service.name} ({service.invoker}): {counts}, {service.waiting:,} waiting"
    for method in service.methods:
        remarks = [
            *(["yields"] if method.is_stream else []),
            *(["no reply"] if method.is_no_reply else []),
            " and ".join(method.policies),
        ]
        arguments = ", ".join(map(_argument, method.arguments))
        yield f"  {method.name}({arguments}): {', '.join(remarks)}"
        doc = method.doc.partition("\n")[0]
        if doc:
            yield f"      {doc}"


def _argument(argument: Argument) -> str:
    """Return an argument as Python writes it."""
    kind, default = argument.type_text, argument.default
    if not kind:
        return f"{argument.name}={default}" if default else argument.name
    return f"{argument.name}: {kind}" + (f" = {default}" if default else "")


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
