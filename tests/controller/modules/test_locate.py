"""What the Locator finds, and as what: every kind of module there is."""

import linecache
import os
import py_compile
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

import pytest

from remotesvc.controller.modules import locate
from remotesvc.controller.modules.locate import (
    Locator,
    Missing,
    Module,
    NotOurs,
    encode_source,
)
from tests.controller.modules.trees import write_tree, zip_tree


def find(root: Path, name: str) -> Module:
    found = Locator([str(root)]).find(name)
    assert isinstance(found, Module), found
    return found


def test_module_is_found_with_its_file_name_and_exact_bytes(tmp_path: Path) -> None:
    write_tree(tmp_path, {"tool.py": b"x = 1\r\n"})

    found = find(tmp_path, "tool")

    assert found == Module("tool", "module", str(tmp_path / "tool.py"), b"x = 1\r\n", "own")


def test_package_and_its_modules_are_found_without_importing_the_package(tmp_path: Path) -> None:
    boom = "raise SystemExit('imported')"
    write_tree(
        tmp_path, {"app/__init__.py": boom, "app/sub/__init__.py": boom, "app/sub/m.py": ""}
    )

    assert find(tmp_path, "app").kind == "package"
    assert find(tmp_path, "app.sub").path == str(tmp_path / "app/sub/__init__.py")
    assert find(tmp_path, "app.sub.m").kind == "module"


def test_empty_module_is_found_with_empty_source(tmp_path: Path) -> None:
    write_tree(tmp_path, {"empty.py": ""})

    assert find(tmp_path, "empty").source == b""


def test_declared_encoding_is_kept(tmp_path: Path) -> None:
    source = "# -*- coding: latin-1 -*-\nname = 'é'\n".encode("latin-1")
    write_tree(tmp_path, {"accent.py": source})

    assert find(tmp_path, "accent").source == source


def test_module_with_a_syntax_error_travels_as_it_is(tmp_path: Path) -> None:
    write_tree(tmp_path, {"broken.py": "def f(:\n"})

    assert find(tmp_path, "broken").source == b"def f(:\n"


def test_missing_module_is_missing_and_says_so(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app/__init__.py": "", "plain.py": ""})
    locator = Locator([str(tmp_path)])

    for name in ("nope", "app.nope", "app.nope.deeper", "plain.beneath"):
        found = locator.find(name)
        assert isinstance(found, Missing)
        assert name in found.reason


@pytest.mark.parametrize(
    "name",
    ["", ".", "app.", ".app", "app..x", "../app", "app/x", "app\0x", "a" * 300, "a." * 200 + "b"],
)
def test_names_that_no_module_has_are_missing(tmp_path: Path, name: str) -> None:
    write_tree(tmp_path, {"app/__init__.py": "", "app/x.py": ""})

    assert isinstance(Locator([str(tmp_path / "app")]).find(name), Missing)


@pytest.mark.parametrize("name", ["os", "os.path", "json.decoder", "sys", "_json", "zipimport"])
def test_standard_library_comes_from_the_host(name: str) -> None:
    found = Locator().find(name)

    assert isinstance(found, NotOurs)
    assert found.origin == "stdlib"


def test_file_in_the_standard_librarys_folder_is_known_by_its_path() -> None:
    folder = Path(os.__file__).parent
    beside = Locator([str(folder / "json")])  # its modules, under names that no list has

    found = beside.find("decoder")

    assert isinstance(found, NotOurs)
    assert found.origin == "stdlib"


def test_own_file_that_shadows_the_standard_library_does_not_travel(tmp_path: Path) -> None:
    write_tree(tmp_path, {"random.py": ""})

    assert isinstance(Locator([str(tmp_path)]).find("random"), NotOurs)


def test_compiled_module_is_not_ours_and_names_its_file(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app/__init__.py": "", f"app/fast{EXTENSION_SUFFIXES[0]}": b""})

    found = Locator([str(tmp_path)]).find("app.fast")

    assert isinstance(found, NotOurs)
    assert found.origin == "compiled"
    assert "app/fast" in found.reason
    assert "install it on the host" in found.reason


def test_module_with_bytecode_only_has_no_source(tmp_path: Path) -> None:
    write_tree(tmp_path, {"hidden.py": "x = 1"})
    py_compile.compile(str(tmp_path / "hidden.py"), cfile=str(tmp_path / "hidden.pyc"))
    (tmp_path / "hidden.py").unlink()

    found = Locator([str(tmp_path)]).find("hidden")

    assert isinstance(found, NotOurs)
    assert "no Python source" in found.reason


def test_source_over_the_limit_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"huge.py": "#" * 100})
    monkeypatch.setattr(locate, "MAX_SOURCE_BYTES", 99)

    found = Locator([str(tmp_path)]).find("huge")

    assert isinstance(found, Missing)
    assert "100 bytes" in found.reason


def test_main_program_is_never_found_by_searching(tmp_path: Path) -> None:
    write_tree(tmp_path, {"__main__.py": "launch()"})

    for name in ("__main__", "__mp_main__"):
        assert isinstance(Locator([str(tmp_path)]).find(name), NotOurs)


# --- namespace packages ---------------------------------------------------------------------


def test_namespace_package_split_over_two_folders_is_one_package(tmp_path: Path) -> None:
    write_tree(tmp_path, {"one/space/a.py": "A = 1", "two/space/b.py": "B = 2"})
    locator = Locator([str(tmp_path / "one"), str(tmp_path / "two")])

    assert locator.find("space") == Module("space", "namespace", "", b"", "own")
    assert isinstance(locator.find("space.a"), Module)
    assert isinstance(locator.find("space.b"), Module)
    assert locator.submodules("space") == {"a", "b"}


def test_nested_namespace_package_is_found_with_no_parent_imported(tmp_path: Path) -> None:
    write_tree(tmp_path, {"one/space/deep/a.py": "", "two/space/deep/b.py": ""})
    locator = Locator([str(tmp_path / "one"), str(tmp_path / "two")])

    found = locator.find("space.deep")

    assert isinstance(found, Module)
    assert found.kind == "namespace"
    assert locator.submodules("space.deep") == {"a", "b"}


def test_nested_namespace_package_is_found_on_the_path_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"remotesvc_ns/deep/a.py": ""})
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    found = Locator().find("remotesvc_ns.deep.a")

    assert isinstance(found, Module)
    assert "remotesvc_ns" not in sys.modules


def test_regular_package_wins_over_a_namespace_folder_before_it(tmp_path: Path) -> None:
    write_tree(tmp_path, {"one/app/x.py": "", "two/app/__init__.py": ""})

    found = Locator([str(tmp_path / "one"), str(tmp_path / "two")]).find("app")

    assert isinstance(found, Module)
    assert found.kind == "package"


# --- zip files ------------------------------------------------------------------------------


def test_modules_in_a_zip_file_are_found(tmp_path: Path) -> None:
    archive = zip_tree(
        tmp_path / "app.zip",
        {"app/__init__.py": "", "app/m.py": "x = 1\n", "app/sub/": "", "app/sub/n.py": ""},
    )
    locator = Locator([str(archive)])

    found = locator.find("app.m")

    assert isinstance(found, Module)
    assert found.source == b"x = 1\n"
    assert found.path == str(archive / "app/m.py")
    assert locator.find("app.sub") == Module("app.sub", "namespace", "", b"", "own")
    assert locator.submodules("app") == {"m", "sub"}


# --- whose it is ----------------------------------------------------------------------------


def test_package_in_site_packages_is_installed(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    write_tree(site, {"third/__init__.py": "", "third/m.py": "", "spread/n.py": ""})

    assert find(site, "third").origin == "installed"
    assert find(site, "third.m").origin == "installed"
    assert find(site, "spread").origin == "installed"


def test_third_party_package_of_this_environment_is_installed() -> None:
    found = Locator().find("pytest")

    assert isinstance(found, Module)
    assert found.origin == "installed"


def test_checkout_linked_into_site_packages_is_own(tmp_path: Path) -> None:
    write_tree(tmp_path / "checkout", {"app/__init__.py": "", "app/m.py": ""})
    site = tmp_path / "site-packages"
    site.mkdir()
    (site / "app").symlink_to(tmp_path / "checkout/app")

    assert find(site, "app.m").origin == "own"


def test_namespace_with_one_own_portion_is_own(tmp_path: Path) -> None:
    write_tree(tmp_path, {"site-packages/space/a.py": "", "src/space/b.py": ""})
    locator = Locator([str(tmp_path / "site-packages"), str(tmp_path / "src")])

    origins = {name: getattr(locator.find(name), "origin", "") for name in ("space", "space.a")}

    assert origins == {"space": "own", "space.a": "installed"}


# --- what only this process knows -----------------------------------------------------------


def test_module_that_replaces_itself_is_served_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import sys\nsys.modules[__name__] = object()\n"
    write_tree(tmp_path, {"remotesvc_swap.py": source})
    monkeypatch.syspath_prepend(tmp_path)
    __import__("remotesvc_swap")
    monkeypatch.delitem(sys.modules, "remotesvc_swap", raising=False)
    monkeypatch.setitem(sys.modules, "remotesvc_swap", object())

    found = Locator().find("remotesvc_swap")

    assert isinstance(found, Module)
    assert found.source == source.encode()


def test_module_made_at_run_time_is_served_from_linecache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = ModuleType("remotesvc_made")
    made.__file__ = "<made here>"
    monkeypatch.setitem(sys.modules, "remotesvc_made", made)
    monkeypatch.setitem(linecache.cache, "<made here>", (6, None, ["x = 1\n"], "<made here>"))

    found = Locator().find("remotesvc_made")

    assert found == Module("remotesvc_made", "module", "<made here>", b"x = 1\n", "own")


def test_module_made_at_run_time_without_text_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "remotesvc_bare", ModuleType("remotesvc_bare"))

    assert isinstance(Locator().find("remotesvc_bare"), NotOurs)


def test_path_that_a_package_extended_at_run_time_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"plugins/late.py": ""})
    package = ModuleType("remotesvc_open")
    package.__path__ = [str(tmp_path / "plugins")]
    monkeypatch.setitem(sys.modules, "remotesvc_open", package)
    locator = Locator()

    assert isinstance(locator.find("remotesvc_open.late"), Module)
    assert locator.submodules("remotesvc_open") == {"late"}


def test_finder_that_raises_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blocker:
        @staticmethod
        def find_spec(name: str, path: object, target: object = None) -> None:
            raise RuntimeError(name)

    write_tree(tmp_path, {"remotesvc_behind.py": ""})
    monkeypatch.setattr(sys, "meta_path", [Blocker, *sys.meta_path])
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert isinstance(Locator().find("remotesvc_behind"), Module)


def test_current_folder_is_searched_when_the_path_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"remotesvc_here.py": ""})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])

    assert isinstance(Locator().find("remotesvc_here"), Module)


# --- the names beneath a package ------------------------------------------------------------


def test_submodules_are_all_that_an_import_could_find(tmp_path: Path) -> None:
    files = ["__init__.py", "m.py", "sub/__init__.py", "data/x.txt", "notes.txt", "v1.2/x.py"]
    write_tree(tmp_path, {f"app/{name}": "" for name in files})
    write_tree(tmp_path, {f"app/fast{EXTENSION_SUFFIXES[0]}": "", "app/__pycache__/m.x.pyc": ""})

    assert Locator([str(tmp_path)]).submodules("app") == {"m", "sub", "data", "fast"}


def test_subpackage_that_is_a_link_counts_as_submodule(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app/__init__.py": "", "elsewhere/__init__.py": ""})
    (tmp_path / "app/linked").symlink_to(tmp_path / "elsewhere")

    assert Locator([str(tmp_path)]).submodules("app") == {"linked"}


def test_submodules_of_what_is_no_package_are_none(tmp_path: Path) -> None:
    write_tree(tmp_path, {"plain.py": ""})

    assert Locator([str(tmp_path)]).submodules("plain") == frozenset()
    assert Locator([str(tmp_path)]).submodules("nope") == frozenset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 'é'", "x = 'é'".encode()),
        ("# coding: latin-1\nx = 'é'", "# coding: latin-1\nx = 'é'".encode("latin-1")),
        ("# coding: no-such\nx = 'é'", "# coding: no-such\nx = 'é'".encode()),
        ("# coding: ascii\nx = 'é'", "# coding: ascii\nx = 'é'".encode()),
    ],
)
def test_source_text_is_encoded_as_it_declares(text: str, expected: bytes) -> None:
    assert encode_source(text) == expected


def test_module_whose_loader_breaks_is_missing_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Loader:
        def get_source(self, name: str) -> str:
            raise RuntimeError("no source today")

    module = ModuleType("made_up")
    module.__loader__ = Loader()  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "made_up", module)

    found = Locator().find("made_up")

    assert isinstance(found, Missing)
    assert found.reason == "the source of 'made_up' cannot be read here: no source today"
