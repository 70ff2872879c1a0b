"""From names to classes, and who has them constructed."""

import sys
from pathlib import Path

import pytest

from remotesvc.core.errors import RefusedError
from remotesvc.service import Activator, Service
from tests.service.stations import make_call


class Logs(Service):
    """A service."""

    class Inner(Service):
        """One inside of a class."""


def test_name_leads_to_the_class_also_inside_of_a_class() -> None:
    activator = Activator()

    assert activator.locate(Logs.name()) is Logs
    assert activator.locate(Logs.Inner.name()) is Logs.Inner
    assert Logs.Inner.name().endswith(".Logs.Inner")


@pytest.mark.parametrize("name", ["", "one", ".", "a.", ".a", "a..b", "a.b c", "os\0.path", "ä.1"])
def test_name_that_can_be_none_is_refused_before_anything_is_imported(name: str) -> None:
    before = set(sys.modules)
    with pytest.raises(LookupError, match=r"there is no service .*module\.Class"):
        Activator().locate(name)
    assert set(sys.modules) == before


def test_what_a_module_raises_while_it_is_imported_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "ill_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "broken.py").write_text("1 / 0")
    (package / "lacking.py").write_text("import missing_altogether")
    monkeypatch.syspath_prepend(str(tmp_path))
    activator = Activator()

    with pytest.raises(ZeroDivisionError):
        activator.locate("ill_package.broken.Logs")
    with pytest.raises(ModuleNotFoundError, match="missing_altogether"):
        activator.locate("ill_package.lacking.Logs")
    with pytest.raises(LookupError, match=r"there is no ill_package\.absent"):
        activator.locate("ill_package.absent.Logs")
    with pytest.raises(TypeError, match="that is a module"):
        activator.locate("xml.dom")
    for name in [name for name in sys.modules if name.startswith("ill_package")]:
        del sys.modules[name]


def test_only_commands_activate_unless_it_says_otherwise() -> None:
    class Closed(Activator):
        def is_permitted(self, name: str, call: object) -> bool:
            return False

    Activator().check("a.B", make_call(is_commanded=True))
    with pytest.raises(RefusedError, match=r"service a\.B: Activator does not permit it"):
        Activator().check("a.B", make_call())
    with pytest.raises(RefusedError, match="Closed does not permit it"):
        Closed().check("a.B", make_call(is_commanded=True))
