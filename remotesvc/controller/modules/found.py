"""What a search for a module can end in: the module itself, "missing", or "not ours to send".

Three frozen answers, told apart by their type; every refusal carries a sentence that can stand
in the import error that the user will read.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Found", "Kind", "Missing", "Module", "NotOurs", "Origin"]

Kind: TypeAlias = Literal["module", "package", "namespace"]

# "own" lies outside site-packages (an editable install does, too) and travels ahead of the
# call; "installed" travels only when the host lacks it and asks.
Origin: TypeAlias = Literal["own", "installed"]


@dataclass(frozen=True)
class Module:
    """A module whose source can travel.

    `source` holds the bytes of the file, so that a PEP 263 encoding line stays true; it is
    empty for empty files and for namespace packages. `path` is the file name for tracebacks,
    "" for namespace packages. A source that does not compile is served as it is: the import
    over there raises the real SyntaxError, with file and line.
    """

    name: str
    kind: Kind
    path: str
    source: bytes
    origin: Origin = "own"

    @property
    def is_package(self) -> bool:
        """True for regular and namespace packages: what can have modules beneath it."""
        return self.kind != "module"


@dataclass(frozen=True)
class Missing:
    """There is no such module here, or its file cannot be read."""

    name: str
    reason: str


@dataclass(frozen=True)
class NotOurs:
    """The module exists here but comes from the host: standard library, or compiled."""

    name: str
    origin: Literal["stdlib", "compiled", "main"]
    reason: str


Found: TypeAlias = Module | Missing | NotOurs
