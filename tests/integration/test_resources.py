"""Data files of served packages, by every way that the Pythons have to read them."""

import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from remotesvc import Context, ModulePolicy, Router
from tests.integration.sources import Sources, own_sources
from tests.integration.targets import data
from tests.interpreters import Interpreter, find_interpreters

PYTHONS = find_interpreters()
WITH_CLASSIC = [python for python in PYTHONS if python.version >= (3, 7)]
WITH_FILES = [python for python in PYTHONS if python.version >= (3, 9)]

TEXT = "größe\nzwei\n"

TREE: dict[str, str | bytes] = {
    "app/__init__.py": "def touch():\n    return 1\n",
    "app/text.txt": TEXT.encode(),
    "app/empty.bin": b"",
    "app/data/bytes.bin": bytes(range(256)),
    "app/data/deep/latin.txt": "größe".encode("latin-1"),
    "app/sub/__init__.py": "",
    "app/sub/own.txt": b"own",
    "space/in_namespace.txt": b"spacious",
    "space/module.py": "def touch():\n    return 1\n",
}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Sources]:
    """The packages in a zip file: a child on this machine cannot read them but through us."""
    path = tmp_path / "source.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("space/", b"")  # zipimport knows namespaces by such entries
        for name, content in TREE.items():
            file.writestr(name, content)
    with own_sources(tmp_path / "unused"):
        sys.path.insert(0, str(path))
        yield Sources(path)


@pytest.fixture
def served(router: Router, archive: Sources) -> Callable[[Interpreter], Context]:
    """Give a child of a Python that was granted both packages."""

    def start(python: Interpreter) -> Context:
        child = router.local(python_path=python.path)
        child.call(archive.get("app", "touch"))
        child.call(archive.get("space.module", "touch"))
        return child

    return start


@pytest.mark.parametrize("python", PYTHONS, ids=str)
def test_pkgutil_reads_data(
    served: Callable[[Interpreter], Context], archive: Sources, python: Interpreter
) -> None:
    child = served(python)

    assert child.call(data.data, "app", "text.txt") == TEXT.encode()
    assert child.call(data.data, "app", "data/bytes.bin") == bytes(range(256))
    assert child.call(data.data, "app.sub", "own.txt") == b"own"
    assert child.call(data.loader_reads, "app", archive.path("app/text.txt")) == TEXT.encode()
    for path in ("app/none.txt", "app/../secret.txt", "elsewhere.txt"):
        with pytest.raises(OSError, match=r"none\.txt|\.\.|elsewhere"):
            child.call(data.loader_reads, "app", archive.path(path))
    with pytest.raises(FileNotFoundError, match="no file 'none' in package app"):
        child.call(data.data, "app", "none")


@pytest.mark.parametrize("python", WITH_CLASSIC, ids=str)
def test_functions_of_importlib_resources_read_data(
    served: Callable[[Interpreter], Context], python: Interpreter
) -> None:
    child = served(python)

    assert child.call(data.classic, "app", "text.txt") == {
        "text": TEXT,
        "binary": TEXT.encode(),
        "line": "größe\n",
        "first": b"g",
        "file": TEXT.encode(),
        "is_gone": True,
        "is_resource": True,
    }
    assert child.call(data.classic_errors, "app", "none") == ["FileNotFoundError"] * 3 + ["False"]
    assert child.call(data.classic_errors, "app", "sub")[-1] == "False"


@pytest.mark.parametrize("python", WITH_FILES, ids=str)
def test_files_of_a_package_are_walked_and_read(
    served: Callable[[Interpreter], Context], python: Interpreter
) -> None:
    child = served(python)

    assert child.call(data.tree, "app") == [
        "__init__.py",
        "data/bytes.bin",
        "data/deep/latin.txt",
        "empty.bin",
        "sub/__init__.py",
        "sub/own.txt",
        "text.txt",
    ]
    assert child.call(data.entries, "app", "data") == [
        ("bytes.bin", True, False),
        ("deep", False, True),
    ]
    assert child.call(data.read, "app", "data/bytes.bin") == bytes(range(256))
    assert child.call(data.read, "app", "empty.bin") == b""
    assert child.call(data.read_text, "app", "data/deep/latin.txt", "latin-1") == (
        "größe",
        "größe",
        "größe".encode("latin-1"),
    )
    assert child.call(data.as_file, "app", "text.txt") == (TEXT.encode(), ".txt")


@pytest.mark.parametrize("python", WITH_FILES, ids=str)
def test_what_is_not_there_is_neither_file_nor_folder(
    served: Callable[[Interpreter], Context], python: Interpreter
) -> None:
    child = served(python)

    assert child.call(data.is_file_or_folder, "app", "none") == (False, False)
    assert child.call(data.is_file_or_folder, "app", "none/deeper") == (False, False)
    assert child.call(data.is_file_or_folder, "app", "data") == (False, True)
    for function, path in ((data.read, "none"), (data.read, "data"), (data.entries, "none")):
        with pytest.raises(FileNotFoundError, match=path):
            child.call(function, "app", path)


@pytest.mark.parametrize("python", WITH_FILES[-1:], ids=str)
def test_namespace_package_has_data_too(
    served: Callable[[Interpreter], Context], python: Interpreter
) -> None:
    child = served(python)

    assert child.call(data.read, "space", "in_namespace.txt") == b"spacious"


def test_data_of_a_package_in_a_folder_is_read(router: Router, tmp_path: Path) -> None:
    with own_sources(tmp_path / "source") as sources:
        sources.write(TREE)
        child = router.local()
        child.call(sources.get("app", "touch"))
        (tmp_path / "source/app/data/late.txt").write_bytes(b"written later")

        assert child.call(data.data, "app", "data/late.txt") == b"written later"
        assert child.call(data.is_file_or_folder, "app", "data/late.txt") == (True, False)


@pytest.fixture
def denied(no_leaks: None, archive: Sources) -> Iterator[Context]:
    """A child that has the package, but for what the policy denies."""
    with Router(modules=ModulePolicy(deny=["app.sub"])) as router:
        child = router.local()
        child.call(archive.get("app", "touch"))
        yield child


def test_denied_part_is_not_to_be_had_as_data(
    denied: Context, caplog: pytest.LogCaptureFixture
) -> None:
    for function, args in (
        (data.data, ("app", "sub/own.txt")),
        (data.read, ("app", "sub/own.txt")),
        (data.entries, ("app", "sub")),
    ):
        with pytest.raises(FileNotFoundError, match=r"ModulePolicy\(deny=\['app\.sub'\]\)"):
            denied.call(function, *args)

    assert denied.call(data.data, "app", "text.txt") == TEXT.encode()
    assert {record.name for record in caplog.records} == {"remotesvc.modules"}
    assert len(caplog.records) == 3


def test_missing_file_is_no_matter_for_the_log(
    served: Callable[[Interpreter], Any], caplog: pytest.LogCaptureFixture
) -> None:
    child = served(PYTHONS[-1])

    with pytest.raises(FileNotFoundError):
        child.call(data.data, "app", "none.txt")

    assert caplog.records == []


# Reads a file that takes long, and imports meanwhile.
BOTH = """\
import importlib, pkgutil, threading

def read_and_import():
    sizes = []
    def read():
        sizes.append(len(pkgutil.get_data("both", "large.bin")))
    reader = threading.Thread(target=read)
    reader.start()
    number = 0
    while reader.is_alive() and number < 100:
        importlib.import_module("both.m%d" % number)
        number += 1
    reader.join()
    return sizes
"""


@pytest.mark.parametrize("is_behind_relay", [False, True])
def test_import_while_a_large_file_is_read_waits_and_does_not_fail(
    router: Router, tmp_path: Path, is_behind_relay: bool
) -> None:
    with own_sources(tmp_path / "own") as sources:
        modules = {f"both/m{number}.py": "" for number in range(100)}
        sources.write({"both/__init__.py": BOTH, "both/large.bin": bytes(32 << 20), **modules})
        via = router.local() if is_behind_relay else None
        child = router.local(via=via)
        for _ in range(3):
            assert child.call(sources.get("both", "read_and_import")) == [32 << 20]
