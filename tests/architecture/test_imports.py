"""Dependencies point one way, and each zone imports only what it may."""

import sys
from collections.abc import Callable, Iterable

from tests.architecture.tree import (
    MODULES,
    Import,
    imports,
    is_old_python,
    is_under,
    module_level_imports,
    modules_under,
)

# From the ground up. A module may import its own floor and those beneath it; a new module of
# core has to be given its floor here. The longest prefix decides.
FLOORS = (
    (
        "remotesvc.bootstrap.manifest",
        "remotesvc.core",  # the package itself is empty
        "remotesvc.core.budget",
        "remotesvc.core.dead",
        "remotesvc.core.decoder",
        "remotesvc.core.encoder",
        "remotesvc.core.errands",
        "remotesvc.core.errors",
        "remotesvc.core.extensions",
        "remotesvc.core.fragments",
        "remotesvc.core.futures",
        "remotesvc.core.library",
        "remotesvc.core.pending",
        "remotesvc.core.refusal",
        "remotesvc.core.seconds",
        "remotesvc.core.secret",
        "remotesvc.core.shelf",
        "remotesvc.core.values",
        "remotesvc.core.visible",
        "remotesvc.core.wire",
    ),
    ("remotesvc.core.authority", "remotesvc.core.lending", "remotesvc.core.reach"),
    (
        "remotesvc.core.credit",
        "remotesvc.core.deadman",
        "remotesvc.core.express",
        "remotesvc.core.lanes",
        "remotesvc.core.link",
        "remotesvc.core.loop",
        "remotesvc.core.outbox",
        "remotesvc.core.relay",
        "remotesvc.core.routes",
        "remotesvc.core.switch",
    ),
    (
        "remotesvc.core.borrower",
        "remotesvc.core.call_options",
        "remotesvc.core.calls",
        "remotesvc.core.capture",
        "remotesvc.core.chain",
        "remotesvc.core.clerk",
        "remotesvc.core.complaints",
        "remotesvc.core.context",
        "remotesvc.core.depot",
        "remotesvc.core.detach",
        "remotesvc.core.fetch",
        "remotesvc.core.finder",
        "remotesvc.core.hangup",
        "remotesvc.core.hops",
        "remotesvc.core.logs",
        "remotesvc.core.main_module",
        "remotesvc.core.pickled",
        "remotesvc.core.questions",
        "remotesvc.core.rebuild",
        "remotesvc.core.references",
        "remotesvc.core.resources",
        "remotesvc.core.services",
        "remotesvc.core.stdio",
        "remotesvc.core.verbs",
    ),
    ("remotesvc.branch", "remotesvc.channel", "remotesvc.current", "remotesvc.service"),
    ("remotesvc.bootstrap", "remotesvc.connect", "remotesvc.files"),
    ("remotesvc.router", "remotesvc.program"),
    # The package shows what the floors beneath hold.
    ("remotesvc", "remotesvc.controller", "remotesvc.homes"),
    ("remotesvc.__main__", "remotesvc.cli", "remotesvc.integrations", "remotesvc.testing"),
)

# Import what they like, for no one pays at run time: only type checkers read it.
TYPES = "remotesvc.types"

# What a third-party package may be imported by; everything else of zone 3 is free to choose.
PARAMIKO_USERS = ("remotesvc.controller.ssh", "remotesvc.testing")

# Style rule 3: time and randomness come in as arguments, so these decide and nothing else.
PURE = (
    "remotesvc.bootstrap.handshake",
    "remotesvc.bootstrap.manifest",
    "remotesvc.channel.frames",
    "remotesvc.connect.prompts",
    "remotesvc.controller.modules.grants",
    "remotesvc.core.authority",
    "remotesvc.core.budget",
    "remotesvc.core.dead",
    "remotesvc.core.decoder",
    "remotesvc.core.encoder",
    "remotesvc.core.errands",
    "remotesvc.core.errors",
    "remotesvc.core.extensions",
    "remotesvc.core.fragments",
    "remotesvc.core.lending",
    "remotesvc.core.library",
    "remotesvc.core.outbox",
    "remotesvc.core.refusal",
    "remotesvc.core.secret",
    "remotesvc.core.shelf",
    "remotesvc.core.values",
    "remotesvc.core.visible",
    "remotesvc.core.wire",
)
IMPURE = (
    "asyncio",
    "fcntl",
    "logging",
    "os",
    "pty",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "tempfile",
    "termios",
    "threading",
    "time",
)

# Each costs a light child more to import than all that it does until its first call.
HEAVY = ("asyncio", "dataclasses", "inspect", "logging", "subprocess", "typing")


def floor_of(name: str) -> int | None:
    """Return the floor of a module by its longest listed prefix, None where there is none."""
    listed = [
        (len(prefix), number)
        for number, floor in enumerate(FLOORS)
        for prefix in floor
        if is_under(name, prefix)
        and (prefix not in ("remotesvc", "remotesvc.core") or name == prefix)
    ]
    return max(listed)[1] if listed else None


def offences(
    names: Iterable[str], is_offence: Callable[[str, Import], bool], *, with_types: bool = False
) -> list[str]:
    """Return the imports of some modules that break a rule, each as a line to read."""
    return [
        f"{name}, line {found.line}: imports {found.target}"
        for name in names
        for found in imports(name)
        if (with_types or found.when != "types") and is_offence(name, found)
    ]


def is_ours(found: Import) -> bool:
    return is_under(found.target, "remotesvc")


def top(found: Import) -> str:
    return found.target.partition(".")[0]


def test_every_module_has_its_floor() -> None:
    assert [name for name in MODULES if name != TYPES and floor_of(name) is None] == []


def test_modules_import_their_own_floor_or_those_beneath() -> None:
    def is_upward(name: str, found: Import) -> bool:
        here, there = floor_of(name), floor_of(found.target)
        return here is not None and there is not None and there > here

    assert offences(MODULES, is_upward) == []


def test_module_level_imports_form_no_circle() -> None:
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for target in sorted(module_level_imports(name) & MODULES.keys()):
                visit(target, (*path, name))
            done.add(name)

    for name in MODULES:
        visit(name, ())


def test_imports_within_the_library_name_modules_that_exist() -> None:
    def is_dangling(_: str, found: Import) -> bool:
        return is_ours(found) and found.target not in MODULES

    assert offences(MODULES, is_dangling, with_types=True) == []


def test_what_runs_on_the_host_imports_the_standard_library_only() -> None:
    def is_foreign(_: str, found: Import) -> bool:
        # Served by the parent when a call needs it, and imported only then.
        is_served = found.target == "cloudpickle" and found.when == "function"
        return not (is_ours(found) or top(found) in sys.stdlib_module_names or is_served)

    assert offences(filter(is_old_python, MODULES), is_foreign, with_types=True) == []


def test_folder_names_are_no_import_names() -> None:
    def is_folder(_: str, found: Import) -> bool:
        return top(found) in ("bootstrap", "cli", "tests")

    assert offences(MODULES, is_folder, with_types=True) == []


def test_command_line_is_a_leaf() -> None:
    def reaches_in(name: str, found: Import) -> bool:
        may = name == "remotesvc.__main__" or is_under(name, "remotesvc.cli")
        return is_under(found.target, "remotesvc.cli") and not may

    assert offences(MODULES, reaches_in, with_types=True) == []


def test_only_the_demo_uses_what_is_for_tests() -> None:
    def reaches_in(name: str, found: Import) -> bool:
        may = name == "remotesvc.cli.demo" or is_under(name, "remotesvc.testing")
        return is_under(found.target, "remotesvc.testing") and not may

    assert offences(MODULES, reaches_in) == []


def test_only_the_ssh_connector_knows_paramiko() -> None:
    def is_stray(name: str, found: Import) -> bool:
        if name.startswith("remotesvc.controller.ssh_config"):
            # A well-kept parser; nothing else of the package.
            return top(found) == "paramiko" and found.target != "paramiko.config"
        return top(found) == "paramiko" and not any(
            is_under(name, user) for user in PARAMIKO_USERS
        )

    assert offences(MODULES, is_stray, with_types=True) == []


def test_types_are_never_imported_at_run_time() -> None:
    assert offences(MODULES, lambda _, found: found.target == TYPES) == []


def test_pure_modules_import_nothing_that_acts() -> None:
    assert offences(modules_under(*PURE), lambda _, found: top(found) in IMPURE) == []


def test_what_travels_imports_nothing_heavy_at_its_top() -> None:
    travelling = modules_under("remotesvc.core", "remotesvc.bootstrap.child")

    def is_heavy(_: str, found: Import) -> bool:
        return found.when == "module" and top(found) in HEAVY

    assert offences(travelling, is_heavy) == []
