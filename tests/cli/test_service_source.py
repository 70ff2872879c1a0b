"""Names of methods on the command line: what reading shows, and what is left to the host."""

from pathlib import Path

import pytest

from remotesvc.cli.arguments import parse_arguments
from remotesvc.cli.callee import Callee
from remotesvc.cli.named_arguments import name_arguments
from remotesvc.cli.own_source import find_own
from remotesvc.cli.service_source import SoughtMethod
from remotesvc.cli.usage import UsageProblem
from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.target import Target

LOGS = """
raise SystemExit("reading imports nothing")
import remotesvc.service as rs
from remotesvc.service import AllowAny, AllowParents, Call, Service, arg_spec, expose, no_reply
from .other import Elsewhere, traced
SIZES = [1, 2]

class Logs(Service):
    LIMIT = 5

    @expose(policy=AllowParents())
    @expose(policy=AllowAny())
    @arg_spec({"path": str})
    def tail(self, path, lines=10, *, size=None): pass

    @no_reply
    @rs.expose(AllowParents)
    def note(self, text, current: Call): pass

    @expose(policy=AllowParents())
    def quoted(self, current: "rs.Call", a, **rest): pass

    @traced
    @expose(policy=AllowParents())
    def wrapped(self, path): pass

    @traced
    def maybe(self, path): pass

    @expose(policy=AllowParents())
    @staticmethod
    def static(path): pass

    @property
    def size(self): pass

    def hidden(self): pass

    def _secret(self): pass

    class Inner(Service):
        @expose(policy=AllowParents())
        def work(self, task): pass

class Heir(Elsewhere):
    def hidden(self): pass

@traced
class Decorated:
    pass

class Plain:
    def work(self): pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a package of the user's and an installed one."""
    (tmp_path / "own" / "app").mkdir(parents=True)
    (tmp_path / "own" / "app" / "__init__.py").write_text("")
    (tmp_path / "own" / "app" / "logs.py").write_text(LOGS)
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "lib.py").write_text("class Service: pass\n")
    return tmp_path


def find(folder: Path, name: str) -> Callee:
    path = [str(folder / "own"), str(folder / "site-packages")]
    return find_own(Locator(path), tuple(name.split(".")), SoughtMethod())


@pytest.mark.parametrize(
    ("name", "is_shown"),
    [
        ("app.logs.Logs.tail", True),
        ("app.logs.Logs.note", True),
        ("app.logs.Logs.Inner.work", True),
        ("app.logs.Logs.wrapped", False),
        ("app.logs.Logs.maybe", False),
        ("app.logs.Heir.anything", False),
        ("app.logs.Elsewhere.anything", False),
        ("app.logs.Decorated.anything", False),
        ("lib.Service.work", False),
        ("elsewhere.Service.work", False),
    ],
)
def test_def_is_known_where_reading_shows_all_that_becomes_of_it(
    folder: Path, name: str, is_shown: bool
) -> None:
    callee = find(folder, name)

    assert str(callee) == name
    assert (callee.function is not None) == is_shown


def test_module_is_the_longest_that_there_is(folder: Path) -> None:
    callee = find(folder, "app.logs.Logs.Inner.work")

    assert callee.target == Target("app.logs", "Logs.Inner.work")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("app.logs.Logs.hidden", r"is not exposed: .*; exposed are tail, note, quoted, wrapped"),
        ("app.logs.Logs.static", "is not exposed: a plain method with @expose"),
        ("app.logs.Logs.size", "is not exposed: a plain method with @expose"),
        ("app.logs.Heir.hidden", "is not exposed: a plain method with .* would be$"),
        ("app.logs.Logs._secret", "names that begin with _ are never exposed; exposed are tail"),
        ("app.logs.Logs.LIMIT", "is no method, it is the constant 5; exposed are tail"),
        ("app.logs.Logs.tial", "service app.logs.Logs has no method 'tial'; did you mean 'tail'"),
        ("app.logs.Logs", "app.logs.Logs is a class: name a method of it; exposed are tail"),
        ("app.logs.SIZES.append", "app.logs.SIZES is no class, it is a list"),
        ("app.logs.Plain.work", "class app.logs.Plain is no service: derive it from Service"),
        ("app.logs.Log.tail", r"module app.logs \(.*\) has no 'Log'; did you mean 'Logs'"),
        ("app.lgs.Logs.tail", "package app .* has no module or function 'lgs'"),
        ("app.logs", "app.logs is a module: name a class in it, and a method; it has Logs, Heir"),
    ],
)
def test_what_own_source_lacks_is_refused(folder: Path, name: str, words: str) -> None:
    with pytest.raises(UsageProblem, match=words):
        find(folder, name)


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("tail", ["/srv"], {"path": "/srv"}),
        ("tail", ["/srv", "5", "size=1"], {"path": "/srv", "lines": 5, "size": 1}),
        ("note", ["hello"], {"text": "hello"}),
        ("quoted", ["1", "b=2", "rest=3"], {"a": 1, "b": 2, "rest": 3}),
        ("wrapped", ["path=/srv"], {"path": "/srv"}),
    ],
)
def test_words_take_the_names_that_the_def_has_in_their_place(
    folder: Path, name: str, words: list[str], expected: dict[str, object]
) -> None:
    callee = find(folder, f"app.logs.Logs.{name}")

    assert name_arguments(callee, parse_arguments(words)) == expected


@pytest.mark.parametrize(
    ("name", "words", "text"),
    [
        ("tail", [], r"missing a required argument: 'path'; its signature is Logs.tail\(path, l"),
        ("tail", ["a", "1", "2"], "too many positional arguments"),
        ("note", ["a", "current=1"], "unexpected keyword argument 'current'"),
        ("wrapped", ["/srv"], "write key=value for '/srv': the names .* cannot be read here"),
    ],
)
def test_words_that_the_method_does_not_take_are_refused(
    folder: Path, name: str, words: list[str], text: str
) -> None:
    callee = find(folder, f"app.logs.Logs.{name}")

    with pytest.raises(UsageProblem, match=text):
        name_arguments(callee, parse_arguments(words))
