"""What each module offers is listed, sorted and there."""

import ast

import pytest

import remotesvc
from tests.architecture.test_statements import PROGRAMS
from tests.architecture.tree import MODULES, parse

# The public surface: what `import remotesvc` offers.
PUBLIC = {
    "AuthenticationError",
    "BootstrapError",
    "Busy",
    "CallTimeout",
    "Channel",
    "ConnectError",
    "ConnectTimeout",
    "Context",
    "DisconnectedError",
    "EndOfStream",
    "Error",
    "HostKeyError",
    "InterpreterError",
    "MessageTooLarge",
    "ModulePolicy",
    "PoolExhausted",
    "ProtocolError",
    "Receiver",
    "RefusedError",
    "RemoteError",
    "ResolveError",
    "Router",
    "Secret",
    "Select",
    "Sender",
    "ValueNotSupported",
    "current_call",
    "current_router",
    "main",
}

# Of these, what is still to be built; each leaves this list when it lands.
PLANNED: set[str] = set()

# All but programs and empty files.
LISTED = [name for name, path in MODULES.items() if name not in PROGRAMS and path.stat().st_size]


def exported(name: str) -> list[str] | None:
    """Return the `__all__` of a module, None without one."""
    for statement in parse(name).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            value: list[str] = list(ast.literal_eval(statement.value))
            return value
    return None


def defined(name: str) -> set[str]:
    """Return the names that a module binds at its top, in whatever block."""
    names: set[str] = set()
    waiting = list(parse(name).body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(statement.name)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in statement.names)
        elif isinstance(statement, ast.If | ast.Try):
            waiting += statement.body + statement.orelse
            for handler in getattr(statement, "handlers", ()):
                waiting += handler.body
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            names.update(node.id for node in ast.walk(statement) if isinstance(node, ast.Name))
    return names


def order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, each from A to Z: as the linter sorts them."""
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


def test_every_module_lists_what_it_offers() -> None:
    assert [name for name in LISTED if exported(name) is None] == []


def test_lists_of_names_are_sorted_without_doubles() -> None:
    lists = {name: exported(name) or [] for name in LISTED}

    assert lists == {name: sorted(set(names), key=order) for name, names in lists.items()}


def test_listed_names_exist() -> None:
    # The names of the package itself are lazy; the next test imports each.
    missing = {
        name: set(exported(name) or ()) - defined(name) for name in LISTED if name != "remotesvc"
    }

    assert {name: names for name, names in missing.items() if names} == {}


def test_public_surface_is_the_documented_one() -> None:
    assert set(remotesvc.__all__) == PUBLIC - PLANNED


@pytest.mark.parametrize("name", remotesvc.__all__)
def test_public_name_can_be_imported(name: str) -> None:
    assert getattr(remotesvc, name) is not None


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        getattr(remotesvc, "no_such_" + "name")
