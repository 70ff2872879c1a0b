"""Names on the command line as functions, found without importing user code."""

import sys
from pathlib import Path

import pytest

from remotesvc.cli.callee import Callee, split_target
from remotesvc.cli.function_source import SoughtFunction
from remotesvc.cli.own_source import find_own
from remotesvc.cli.standard_library import find_standard
from remotesvc.cli.usage import UsageProblem
from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.target import Target

HEALTH = """
raise SystemExit("reading imports nothing")
LIMIT = 0.9
import os
from . import tools

def check(disk, limit=LIMIT): pass

@tools.wrap
def wrapped(a): pass

class Tool:
    SIZE = 3
    @staticmethod
    def make(size): pass
    @classmethod
    def build(cls, size): pass
    def use(self): pass
    def plain(size): pass

class Heir(Tool): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a package of the user's, an installed package, and a broken module."""
    (tmp_path / "own" / "app").mkdir(parents=True)
    (tmp_path / "own" / "app" / "__init__.py").write_text("")
    (tmp_path / "own" / "app" / "health.py").write_text(HEALTH)
    (tmp_path / "own" / "app" / "broken.py").write_text("def check(:\n")
    (tmp_path / "own" / "open.py").write_text("from app.health import *\n")
    (tmp_path / "own" / "space").mkdir()
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "lib.py").write_text("def used(): pass\n")
    return tmp_path


def find(folder: Path, name: str) -> Callee:
    path = [str(folder / "own"), str(folder / "site-packages")]
    return find_own(Locator(path), split_target(name), SoughtFunction())


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("app.health.check", "app.health"),
        ("app.health.Tool.make", "app.health"),
        ("app.health.Heir.anything", "app.health"),
        ("app.health.Tool.__subclasses__", "app.health"),
        ("app.health.tools.wrap", "app.health"),
        ("app.broken.check", "app.broken"),
        ("open.anything", "open"),
        ("lib.used", "lib"),
        ("elsewhere.below.func", "elsewhere.below"),
    ],
)
def test_the_longest_prefix_that_is_a_module_is_the_module(
    folder: Path, name: str, module: str
) -> None:
    assert find(folder, name).target == Target(module, name[len(module) + 1 :])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "app.health.chek",
            r"module app.health \(.*health.py\) has no 'chek'; did you mean 'check'",
        ),
        (
            "app.helth.check",
            "package app .* has no module or function 'helth'; did you mean 'health'",
        ),
        ("app.health", "app.health is a module: name a function in it; it has check, wrapped"),
        ("app.health.LIMIT", "app.health.LIMIT is no function, it is the constant 0.9"),
        ("app.health.os", "app.health.os is a module that is imported there"),
        ("app.health.Tool.mak", "class app.health.Tool has no 'mak'; did you mean 'make'"),
        ("app.health.Tool.SIZE", "app.health.Tool.SIZE is no function, it is the constant 3"),
        (
            "app.health.Tool.use",
            "app.health.Tool.use needs an instance: name a function, a classmethod or a static",
        ),
        ("app", "app is a module: name a function in it; it has broken, health"),
        ("check", "'check' is one word: write module.function, for example app.health.check"),
        ("space.func", "package space has no module or function 'func'"),
    ],
)
def test_what_own_source_lacks_is_refused(folder: Path, name: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        find(folder, name)


@pytest.mark.parametrize(
    ("name", "is_shown", "is_bound"),
    [
        ("app.health.check", True, False),
        ("app.health.wrapped", False, False),
        ("app.health.Tool.make", True, False),
        ("app.health.Tool.build", True, True),
        ("app.health.Tool.plain", True, False),
        ("app.health.Tool", False, False),
        ("lib.used", False, False),
    ],
)
def test_a_signature_is_known_where_nothing_wraps_the_function(
    folder: Path, name: str, is_shown: bool, is_bound: bool
) -> None:
    callee = find(folder, name)

    assert (callee.function is not None, callee.is_bound) == (is_shown, is_bound)


def test_an_installed_package_may_be_another_version_over_there(folder: Path) -> None:
    callee = find(folder, "lib.use")

    assert callee == Callee(Target("lib", "use"), hint="; did you mean 'used'?")


def test_a_module_that_is_nowhere_here_may_be_over_there(folder: Path) -> None:
    hint = find(folder, "elsewhere.func").hint

    assert hint.startswith("; nor is 'elsewhere' here, in ")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("print", "write builtins.print"),
        ("app/health.py", "names no function: write module.function"),
        ("app.health:check", "names no function"),
        ("app..check", "names no function"),
        ("", "names no function"),
        ("__main__.check", "no __main__ of yours"),
    ],
)
def test_what_is_no_dotted_name_is_refused(name: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        split_target(name)


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("platform.node", "platform"),
        ("os.path.join", "os.path"),
        ("datetime.datetime.now", "datetime"),
        ("xml.etree.ElementTree.fromstring", "xml.etree.ElementTree"),
        ("os.function_of_a_later_python", "os"),
        ("winreg.OpenKey", "winreg"),
    ],
)
def test_the_standard_library_is_named_by_its_longest_module(name: str, module: str) -> None:
    callee = find_standard(split_target(name))

    assert callee is not None
    assert callee.target == Target(module, name[len(module) + 1 :])


def test_a_misspelt_name_of_the_standard_library_yields_a_hint() -> None:
    callee = find_standard(("platform", "nodee"))

    assert callee == Callee(Target("platform", "nodee"), hint="; did you mean 'node'?")


def test_what_is_not_of_the_standard_library_is_left_to_others() -> None:
    assert find_standard(("app", "health", "check")) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("os.sep", "os.sep is no function, its type is str"),
        ("os.path", "os.path is a module"),
        ("platform", "platform is a module: name a function in it; it has .*, mac_ver"),
        ("winreg", "winreg is a module: name a function in it"),
    ],
)
def test_a_constant_or_module_of_the_standard_library_is_refused(name: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        find_standard(split_target(name))


@pytest.mark.parametrize("name", ["this.d", "idlelib.idle.main", "json.__main__.main"])
def test_modules_that_do_something_when_imported_are_not(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = name.rpartition(".")[0]
    monkeypatch.delitem(sys.modules, module, raising=False)

    find_standard(split_target(name))

    assert module not in sys.modules
