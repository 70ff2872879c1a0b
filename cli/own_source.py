"""Finds names outside the standard library by reading their source; imports nothing.

The longest prefix of the name that is a module is the module. Own source travels as it is, so
what it lacks is refused here. An installed package is the host's own version, if the host has
it: it is not refused for what this one lacks, nor is a module that exists only over there.

Here stands what is the same for a function and for the method of a service; what a name has to
lead to, a Sought says.
"""

import pkgutil
from collections.abc import Iterable
from typing import Protocol

from remotesvc.controller.modules.found import Missing, Module, NotOurs
from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.syntax import parse
from remotesvc.controller.modules.target import Target

from .callee import Callee
from .current_folder import current_folder
from .definitions import Definitions, read_definitions
from .usage import UsageProblem, did_you_mean

__all__ = ["Sought", "find_own", "may_have"]


class Sought(Protocol):
    """What a name has to lead to."""

    def describe_word(self, word: str) -> str:
        """Return the text for one word that is no module here."""

    def describe_module(self, module: str, found: Definitions, beneath: Iterable[str]) -> str:
        """Return the text for the name of a module and of nothing in it."""

    def check(self, callee: Callee, found: Definitions, names: tuple[str, ...]) -> Callee:
        """Judge a name in own source, the first of `names` being one that it may have.

        UsageProblem for what it surely is not; more about it where the source shows that.
        """


def find_own(locator: Locator, parts: tuple[str, ...], sought: Sought) -> Callee:
    """Find what is called by its name; UsageProblem when own source does not have it."""
    below: Missing | None = None
    for end in range(len(parts), 0, -1):
        found = locator.find(".".join(parts[:end]))
        if isinstance(found, Module):
            return _Search(locator, found, below).find(parts[end:], sought)
        if isinstance(found, NotOurs):
            if end == len(parts):
                raise UsageProblem(sought.describe_module(found.name, Definitions(), ()))
            return Callee(Target(found.name, ".".join(parts[end:])))
        below = found
    if len(parts) == 1:
        raise UsageProblem(sought.describe_word(parts[0]))
    near = did_you_mean(parts[0], (module.name for module in pkgutil.iter_modules()))
    hint = f"; nor is {parts[0]!r} here, in {current_folder()} or installed{near}"
    return Callee(Target(".".join(parts[:-1]), parts[-1]), hint=hint)


class _Search:
    """The search for a name in one module; `below` is the longer name that was not found."""

    def __init__(self, locator: Locator, module: Module, below: Missing | None) -> None:
        tree = parse(module.source)
        self._module = module
        self._below = below
        self._found = read_definitions([] if tree is None else tree.body)
        # A source that does not parse here may do so in the host's Python.
        self._is_final = module.origin == "own" and tree is not None
        self._beneath = locator.submodules(module.name) if module.is_package else frozenset()

    def find(self, names: tuple[str, ...], sought: Sought) -> Callee:
        module, found = self._module.name, self._found
        if not names:
            beneath = sorted(self._beneath)
            raise UsageProblem(sought.describe_module(module, found, beneath))
        callee = Callee(Target(module, ".".join(names)))
        if not may_have(found, names[0]):
            hint = did_you_mean(names[0], (*found.names, *self._beneath))
            if self._is_final:
                raise UsageProblem(self._describe_lack(names[0], hint))
            return Callee(callee.target, hint=hint)
        return sought.check(callee, found, names) if self._is_final else callee

    def _describe_lack(self, name: str, hint: str) -> str:
        if self._below is not None and not self._below.reason.startswith("no module"):
            return self._below.reason  # a module of that name is here, and cannot be read
        path = f" ({self._module.path})" if self._module.path else ""
        if self._module.is_package:
            return f"package {self._module.name}{path} has no module or function {name!r}{hint}"
        return f"module {self._module.name}{path} has no {name!r}{hint}"


def may_have(found: Definitions, name: str) -> bool:
    """Tell whether a name is bound, or may be although no statement shows it."""
    is_special = name.startswith("__") and name.endswith("__")
    return name in found.names or not found.is_complete or is_special
