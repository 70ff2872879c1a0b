"""Modules by need: what is imported over there, from where, at what cost, and what is refused."""

import importlib.machinery
import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, ModulePolicy, RemoteError, Router
from remotesvc.core.authority import CALL_FUNCTION, GET_MODULE, LOAD_MODULE
from remotesvc.core.values import decode
from tests.integration.hosts import PYTHON, Print
from tests.integration.pythons import OLDEST
from tests.integration.sources import Sources, own_sources
from tests.integration.targets import imports
from tests.interpreters import Interpreter, find_interpreters

# What a child fetches of remotesvc itself when it first needs it.
TOOLKIT = "remotesvc."


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    with own_sources(tmp_path / "source") as opened:
        yield opened


@pytest.fixture
def host_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    """A folder that the Python of children started from now on imports from, and this one not."""
    folder = tmp_path / "host" / "site-packages"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return Sources(folder)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Sources]:
    """A folder of installed packages that this Python imports from."""
    with own_sources(tmp_path / "here" / "site-packages") as opened:
        yield opened


@pytest.fixture
def asked(router: Router) -> list[str]:
    """The names of the modules that the children of `router` asked for, in order."""
    names: list[str] = []
    answer = router.outgoing.responder.on_module

    def note(link: object, message: object) -> None:
        name = decode(message.payload)  # type: ignore[attr-defined]
        assert isinstance(name, str)
        if not name.startswith(TOOLKIT):
            names.append(name)
        answer(link, message)

    router.switch.serve(GET_MODULE, note)
    return names


def tree(levels: int, modules: int) -> dict[str, str]:
    """Return packages within packages, where each module imports the next one, relatively."""
    files: dict[str, str] = {}
    folder = "own"
    for level in range(levels):
        below = f"from . import inner\n\nTOTAL = inner.TOTAL + {modules}\n"
        end = f"TOTAL = {modules}\n"
        chain = "".join(f"from . import m{number}\n" for number in range(modules))
        files[f"{folder}/__init__.py"] = chain + (below if level < levels - 1 else end)
        for number in range(modules):
            files[f"{folder}/m{number}.py"] = f"from . import m{(number + 1) % modules}\n"
        folder += "/inner"
    return files


# -- what travels with a call --------------------------------------------------------------------


def test_sixty_modules_in_five_packages_cost_no_question(
    any_child: Context, sources: Sources, asked: list[str]
) -> None:
    sources.write(tree(levels=5, modules=11))
    sources.write({"start.py": "import own\n\ndef total():\n    return own.TOTAL\n"})

    assert any_child.call(sources.get("start", "total")) == 55
    assert asked == []


def test_second_call_sends_no_module_again(
    router: Router, child: Context, sources: Sources, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles: list[int] = []
    send = router.switch.send

    def note(dst: int, handle: int, *rest: Any) -> Any:
        handles.append(handle)
        return send(dst, handle, *rest)

    monkeypatch.setattr(router.switch, "send", note)
    sources.write({"start.py": "def one():\n    return 1\n\ndef two():\n    return 2\n"})

    assert child.call(sources.get("start", "one")) == 1
    assert child.call(sources.get("start", "two")) == 2

    assert handles == [LOAD_MODULE, CALL_FUNCTION, CALL_FUNCTION]


def test_modules_arrive_before_the_call_however_large_they_are(
    host_folder: Sources, child: Context, sources: Sources, asked: list[str]
) -> None:
    noise = random.Random(1).randbytes(600_000).hex()
    sources.write({"large.py": f"NOISE = '{noise}'\n\ndef size():\n    return len(NOISE)\n"})
    host_folder.write({"large.py": "def size():\n    return 'an old copy'\n"})

    assert child.call(sources.get("large", "size")) == 1_200_000
    assert asked == []


def test_changed_source_travels_to_the_next_context(router: Router, sources: Sources) -> None:
    sources.write({"version.py": "def get():\n    return 'one'\n"})
    get = sources.get("version", "get")
    assert router.local().call(get) == "one"

    sources.write({"version.py": "def get():\n    return 'second'\n"})

    assert router.local().call(get) == "second"


def test_optional_modules_that_nobody_has_cost_no_question(
    any_child: Context, sources: Sources, asked: list[str]
) -> None:
    source = """
        try:
            import not_installed_anywhere as fast
        except ImportError:
            fast = None
        try:
            from not_installed_either.deep import thing
        except ImportError:
            thing = "own"

        def found():
            return (fast, thing)
    """
    sources.write({"optional.py": source})

    assert any_child.call(sources.get("optional", "found")) == (None, "own")
    assert asked == []


def test_standard_modules_of_a_newer_python_are_missing_without_a_word(
    router: Router, sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    source = """
        try:
            import tomllib
        except ImportError:
            tomllib = None

        def has_it():
            return tomllib is not None
    """
    sources.write({"newer.py": source})
    has_it = sources.get("newer", "has_it")

    assert router.local(python_path=OLDEST.path).call(has_it) is (OLDEST.version >= (3, 11))
    assert caplog.records == []


# -- kinds of modules ----------------------------------------------------------------------------


def test_relative_circular_empty_and_lazy_imports_work(
    any_child: Context, sources: Sources
) -> None:
    sources.write(
        {
            "app/__init__.py": "from .one import ONE\n",
            "app/one.py": "from . import two\n\nONE = 1\n",
            "app/two.py": "from . import one\nfrom .sub.deep import up\n",
            "app/empty.py": "",
            "app/sub/__init__.py": "",
            "app/sub/deep.py": """
                from .. import one as up

                def use():
                    from ..empty import __name__ as empty
                    from ... import app  # noqa
                    return empty
            """,
            "app/use.py": """
                import importlib
                from .sub import deep

                def use(name):
                    from app import ONE
                    return (ONE, deep.up.ONE, importlib.import_module("." + name, "app").__name__)
            """,
        }
    )

    assert any_child.call(sources.get("app.use", "use"), "empty") == (1, 1, "app.empty")


def test_module_that_replaces_itself_stays_replaced(any_child: Context, sources: Sources) -> None:
    source = """
        import sys

        class Facade:
            value = 42

        sys.modules[__name__] = Facade()
    """
    use = "import app.facade\n\ndef use():\n    from app import facade\n    return facade.value\n"
    sources.write({"app/__init__.py": "", "app/facade.py": source, "app/use.py": use})

    assert any_child.call(sources.get("app.use", "use")) == 42


def test_dynamic_import_below_a_served_package_asks_once(
    any_child: Context, sources: Sources, asked: list[str]
) -> None:
    use = "import importlib\n\ndef use(name):\n    return importlib.import_module(name).VALUE\n"
    sources.write(
        {
            "app/__init__.py": "",
            "app/use.py": use,
            "app/plugins/__init__.py": "",
            "app/plugins/first.py": "from . import helper\nVALUE = helper.VALUE\n",
            "app/plugins/helper.py": "VALUE = 'plugged'\n",
            "app/plugins/with-dash.py": "VALUE = 'dashed'\n",
        }
    )
    call = sources.get("app.use", "use")

    assert any_child.call(call, "app.plugins.first") == "plugged"
    assert any_child.call(call, "app.plugins.first") == "plugged"
    assert asked == ["app.plugins", "app.plugins.first"]
    assert any_child.call(call, "app.plugins.with-dash") == "dashed"
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'app\.plugins\.none'"):
        any_child.call(call, "app.plugins.none")
    assert asked[2:] == ["app.plugins.with-dash"]


def test_namespace_package_is_joined_from_all_its_folders(
    host_folder: Sources, any_child: Context, tmp_path: Path
) -> None:
    host_folder.write({"space/on_host.py": "VALUE = 'host'\n", "space/deep/there.py": "VALUE = 3"})
    with own_sources(tmp_path / "one", tmp_path / "two") as sources:
        use = """
            from space import here
            from space.deep import below
            from space import elsewhere

            def use():
                import importlib
                on_host = importlib.import_module("space.on_host")
                there = importlib.import_module("space.deep.there")
                return (here.VALUE, below.VALUE, elsewhere.VALUE, on_host.VALUE, there.VALUE)
        """
        sources.write({"space/here.py": "VALUE = 1\n", "space/use.py": use})
        sources.write({"space/deep/below.py": "VALUE = 2\n"})
        Sources(tmp_path / "two").write({"space/elsewhere.py": "VALUE = 'two'\n"})

        result = any_child.call(sources.get("space.use", "use"))

    assert result == (1, 2, "two", "host", 3)


def test_compiled_module_is_to_be_installed_on_the_host(
    router: Router, sources: Sources, host_folder: Sources
) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    use = "def use():\n    import app.sub.fast\n    return app.sub.fast.VALUE\n"
    package = {"app/__init__.py": "", "app/sub/__init__.py": "", "app/use.py": use}
    sources.write({**package, f"app/sub/fast{suffix}": b"\x7fELF"})
    call = sources.get("app.use", "use")

    with pytest.raises(ModuleNotFoundError, match=r"app\.sub\.fast.*install it on the host"):
        router.local().call(call)

    host_folder.write({**package, "app/sub/fast.py": "VALUE = 'compiled over there'\n"})
    assert router.local().call(call) == "compiled over there"


# -- what a module looks like over there ---------------------------------------------------------


def test_module_says_of_itself_what_it_says_here(any_child: Context, sources: Sources) -> None:
    sources.write({"app/__init__.py": "", "app/one.py": "import space.two\n", "space/two.py": ""})
    load = "import app.one\n\ndef load():\n    return app.one.__name__\n"
    sources.write({"load.py": load})
    any_child.call(sources.get("load", "load"))

    assert any_child.call(imports.facts, "app.one") == {
        "file": sources.path("app/one.py"),
        "package": "app",
        "is_package": False,
        "loader": "Finder",
        "origin": sources.path("app/one.py"),
        "name": "app.one",
        "has_location": True,
    }
    package, space = (any_child.call(imports.facts, name) for name in ("app", "space"))
    assert (package["file"], package["is_package"]) == (sources.path("app/__init__.py"), True)
    assert (space["file"], space["origin"], space["is_package"]) == (None, None, True)


def test_source_is_found_by_inspect(any_child: Context, sources: Sources) -> None:
    body = "def known():\n    # a comment of ours\n    return 1\n"
    sources.write({"app/__init__.py": "", "app/one.py": "\n\n" + body})
    any_child.call(sources.get("app.one", "known"))

    assert any_child.call(imports.source_of, "app.one", "known") == body


def test_module_can_be_reloaded(any_child: Context, sources: Sources) -> None:
    sources.write({"again.py": "MARK = object()\n\ndef name():\n    return __name__\n"})
    any_child.call(sources.get("again", "name"))

    assert any_child.call(imports.reload_module, "again") is True


def test_pkgutil_lists_a_served_package(any_child: Context, sources: Sources) -> None:
    sources.write(
        {
            "app/__init__.py": "",
            "app/one.py": "def name():\n    return __name__\n",
            "app/notes.txt": "no module",
            "app/sub/__init__.py": "",
            "app/sub/two.py": "",
        }
    )
    any_child.call(sources.get("app.one", "name"))

    assert any_child.call(imports.submodules, "app") == [("one", False), ("sub", True)]
    assert any_child.call(imports.walk, "app") == ["app.one", "app.sub", "app.sub.two"]


def test_modules_are_imported_from_several_threads_at_once(
    any_child: Context, sources: Sources
) -> None:
    names = [f"app.m{number}" for number in range(12)]
    files = {f"{name.replace('.', '/')}.py": "from . import shared\n" for name in names}
    start = "def start():\n    return 1\n"
    sources.write({"app/__init__.py": "", "app/shared.py": "", "app/start.py": start, **files})
    any_child.call(sources.get("app.start", "start"))

    assert any_child.call(imports.import_in_threads, names) == 12


@pytest.mark.parametrize("python", find_interpreters(), ids=str)
def test_no_warning_of_any_python_is_caused(
    router: Router,
    sources: Sources,
    prints: list[Print],
    monkeypatch: pytest.MonkeyPatch,
    python: Interpreter,
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "always")
    monkeypatch.setenv("PYTHONDEVMODE", "1")
    sources.write({"app/__init__.py": "", "app/one.py": "import space.two\n", "space/two.py": ""})
    sources.write({"load.py": "import app.one\n\ndef load():\n    return app.one.__name__\n"})
    child = router.local(python_path=python.path)

    assert child.call(sources.get("load", "load")) == "app.one"
    assert child.call(imports.walk, "app") == ["app.one"]
    assert child.call(imports.try_imports, ["app.none"])["app.none"] is not None
    child.shutdown()

    assert prints == []


# -- the host's own, and installed ones ----------------------------------------------------------


def test_own_source_comes_before_a_copy_on_the_host(
    host_folder: Sources, child: Context, sources: Sources
) -> None:
    host_folder.write({"app/__init__.py": "", "app/one.py": "def where():\n    return 'host'\n"})
    sources.write({"app/__init__.py": "", "app/one.py": "def where():\n    return 'here'\n"})

    assert child.call(sources.get("app.one", "where")) == "here"


def test_installed_package_comes_from_the_host_that_has_it(
    host_folder: Sources,
    child: Context,
    sources: Sources,
    installed: Sources,
    asked: list[str],
) -> None:
    installed.write({"third/__init__.py": "WHERE = 'here'\n"})
    host_folder.write({"third/__init__.py": "WHERE = 'host'\n"})
    sources.write({"use.py": "import third\n\ndef where():\n    return third.WHERE\n"})

    assert child.call(sources.get("use", "where")) == "host"
    assert asked == []


def test_installed_package_that_the_host_lacks_comes_from_here_at_one_question(
    any_child: Context, sources: Sources, installed: Sources, asked: list[str]
) -> None:
    installed.write(
        {
            "third/__init__.py": "from .core import WHERE\n",
            "third/core.py": "import fourth\n\nWHERE = 'here' + fourth.WHERE\n",
            "fourth.py": "WHERE = ' too'\n",
        }
    )
    sources.write({"use.py": "import third\n\ndef where():\n    return third.WHERE\n"})

    assert any_child.call(sources.get("use", "where")) == "here too"
    assert asked == ["third", "fourth"]


def test_installed_package_is_found_by_a_pickled_function(
    child: Context, installed: Sources
) -> None:
    installed.write({"third/__init__.py": "WHERE = 'here'\n"})

    def where() -> object:
        import third  # type: ignore[import-not-found]

        return third.WHERE

    assert child.call(lambda: where()) == "here"


# -- refusals ------------------------------------------------------------------------------------


def test_module_that_was_not_granted_is_refused_and_logged_once(
    child: Context, sources: Sources, caplog: pytest.LogCaptureFixture
) -> None:
    sources.write({"vault.py": "KEY = 1\n"})

    for _ in range(3):
        with pytest.raises(ModuleNotFoundError, match="'vault' was not granted to this host"):
            child.call(imports.get, "vault", "KEY")

    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 1
    assert texts[0].startswith("local was refused module vault: ")
    assert "ModulePolicy(allow=['vault'])" in texts[0]
    assert caplog.records[0].levelno == logging.WARNING


def test_what_was_sent_to_one_context_is_not_served_to_another(
    router: Router, sources: Sources
) -> None:
    sources.write({"app/__init__.py": "", "app/one.py": "def one():\n    return 1\n"})
    first, second = router.local(), router.local()

    assert first.call(sources.get("app.one", "one")) == 1
    with pytest.raises(ModuleNotFoundError, match="'app' was not granted"):
        second.call(imports.get, "app.one", "one")
    assert second.call(sources.get("app.one", "one")) == 1


def test_what_was_refused_once_comes_when_it_is_granted_later(
    child: Context, sources: Sources
) -> None:
    sources.write({"app/__init__.py": "", "app/one.py": "def one():\n    return 1\n"})
    with pytest.raises(ModuleNotFoundError):
        child.call(imports.get, "app.one", "one")

    assert child.call(sources.get("app.one", "one")) == 1


def test_policy_denies_what_is_imported_and_allows_what_is_not(
    no_leaks: None, sources: Sources
) -> None:
    use = "def use():\n    import app.secrets\n"
    files = {"app/__init__.py": "", "app/secrets.py": "KEY = 1\n", "app/use.py": use}
    sources.write({**files, "extra/__init__.py": "", "extra/tool.py": "VALUE = 'allowed'\n"})
    policy = ModulePolicy(allow=["extra"], deny=["app.secrets"])

    with Router(modules=policy) as router:
        child = router.local()

        with pytest.raises(ModuleNotFoundError, match=r"deny=\['app\.secrets'\]"):
            child.call(sources.get("app.use", "use"))
        assert child.call(imports.get, "extra.tool", "VALUE") == "allowed"


@pytest.mark.parametrize("name", ["remotesvc.controller.ssh", "remotesvc.testing.server"])
def test_parts_of_the_controller_stay_there(
    router: Router, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    child = router.local(python_path=PYTHON)  # remotesvc is not installed there
    with pytest.raises(ModuleNotFoundError, match="runs only where the program starts"):
        child.call(imports.get, name, "x")

    assert len(caplog.records) == 1


def test_log_of_refusals_has_an_end(child: Context, caplog: pytest.LogCaptureFixture) -> None:
    said = child.call(imports.try_imports, [f"unknown_{number}" for number in range(150)])

    assert len([text for text in said.values() if text and "was not granted" in text]) == 150
    assert len(caplog.records) == 101
    assert caplog.records[-1].getMessage() == "local was refused 100 requests; no more are shown"


def test_import_that_is_never_answered_ends_with_the_reason(
    router: Router, child: Context, sources: Sources
) -> None:
    sources.write({"app/__init__.py": "", "app/late.py": "", "app/one.py": "def one(): pass\n"})
    child.call(sources.get("app.one", "one"))
    with pytest.raises(ValueError, match="not in list"):  # so that what describes errors is there
        child.call(list.index, [], 1)
    child.call(imports.allow_seconds, 0.05)
    router.switch.serve(GET_MODULE, lambda link, message: None)

    with pytest.raises(ImportError, match=r"'app\.late'.*timed out after 0\.05 s"):
        child.call(imports.get, "app.late", "x")

    router.switch.serve(GET_MODULE, router.outgoing.responder.on_module)
    with pytest.raises(AttributeError, match=r"app\.late.*has no attribute"):
        child.call(imports.get, "app.late", "x")


def test_error_names_the_context_that_was_refused(router: Router, sources: Sources) -> None:
    child = router.local(name="web1")

    with pytest.raises(RemoteError) as caught:
        child.call(imports.get, "vault", "KEY")

    assert caught.value.context_name == "web1"
    assert "on web1:" in str(caught.value.__cause__)


def test_finder_stands_at_both_ends(any_child: Context) -> None:
    names = any_child.call(imports.own_finders)

    assert (names[0], names[-1]) == ("Finder", "_LastResort")
    assert "PathFinder" in names[1:-1]
