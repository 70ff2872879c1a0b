"""Data files of packages: what `importlib.resources` over there may read through us."""

import os
from pathlib import Path

import pytest

from remotesvc.controller.modules import locate
from remotesvc.controller.modules.folders import Entry
from remotesvc.controller.modules.locate import Locator
from remotesvc.core.errors import MessageTooLarge
from tests.controller.modules.trees import write_tree, zip_tree

TREE: dict[str, str | bytes] = {
    "app/__init__.py": "",
    "app/logo.txt": "logo",
    "app/data/a.bin": b"\x00\xff",
    "app/data/b/c.txt": "",
    "app/__pycache__/x.pyc": b"",
}


def test_data_of_a_package_is_read_as_bytes(tmp_path: Path) -> None:
    locator = Locator([str(write_tree(tmp_path, TREE))])

    assert locator.data("app", "logo.txt") == b"logo"
    assert locator.data("app", "data/a.bin") == b"\x00\xff"
    assert locator.data("app", "data/b/c.txt") == b""


def test_data_of_namespace_folders_is_merged(tmp_path: Path) -> None:
    write_tree(tmp_path, {"one/space/a.txt": "a", "two/space/b.txt": "b"})
    locator = Locator([str(tmp_path / "one"), str(tmp_path / "two")])

    assert locator.data("space", "b.txt") == b"b"
    assert locator.listing("space") == (Entry("a.txt", False), Entry("b.txt", False))


def test_data_in_a_zip_file_is_read(tmp_path: Path) -> None:
    files = {"app/__init__.py": "", "app/data/a.txt": "inside"}
    locator = Locator([str(zip_tree(tmp_path / "app.zip", files))])

    assert locator.data("app", "data/a.txt") == b"inside"
    assert locator.data("app", "data/nope.txt") is None
    assert locator.listing("app") == (Entry("__init__.py", False), Entry("data", True))
    assert locator.listing("app", "data") == (Entry("a.txt", False),)
    assert locator.listing("app", "nope") is None


def test_listing_is_sorted_and_leaves_out_caches(tmp_path: Path) -> None:
    locator = Locator([str(write_tree(tmp_path, TREE))])

    assert locator.listing("app") == (
        Entry("__init__.py", False),
        Entry("data", True),
        Entry("logo.txt", False),
    )
    assert locator.listing("app", "data/b") == (Entry("c.txt", False),)


@pytest.mark.parametrize(
    "relative",
    [
        "",
        ".",
        "..",
        "../secret.txt",
        "data/../../secret.txt",
        "data//a.bin",
        "./logo.txt",
        "logo.txt/",
        "/etc/passwd",
        "__pycache__/x.pyc",
        "data/__pycache__/x",
        "logo.txt\0",
        "LOGO.TXT",
        "data",
        "nope",
        "logo.txt/beneath",
        "d/" * 40 + "x",
    ],
)
def test_paths_that_are_no_data_file_of_the_package_give_nothing(
    tmp_path: Path, relative: str
) -> None:
    write_tree(tmp_path, {**TREE, "secret.txt": "secret"})

    assert Locator([str(tmp_path)]).data("app", relative) is None


@pytest.mark.parametrize("relative", ["..", "data/..", "/", "logo.txt", "nope", "__pycache__"])
def test_what_is_no_folder_of_the_package_is_not_listed(tmp_path: Path, relative: str) -> None:
    assert Locator([str(write_tree(tmp_path, TREE))]).listing("app", relative) is None


def test_links_that_leave_the_package_are_neither_read_nor_listed(tmp_path: Path) -> None:
    write_tree(tmp_path, {**TREE, "outside/secret.txt": "secret", "application/x.txt": ""})
    (tmp_path / "app/file").symlink_to(tmp_path / "outside/secret.txt")
    (tmp_path / "app/folder").symlink_to(tmp_path / "outside")
    (tmp_path / "app/neighbour").symlink_to(tmp_path / "application")
    (tmp_path / "app/inside").symlink_to("logo.txt")
    locator = Locator([str(tmp_path)])

    assert locator.data("app", "file") is None
    assert locator.data("app", "folder/secret.txt") is None
    assert locator.data("app", "neighbour/x.txt") is None
    assert locator.data("app", "inside") == b"logo"
    names = {entry.name for entry in locator.listing("app") or ()}
    assert names == {"__init__.py", "data", "inside", "logo.txt"}


def test_pipe_in_a_package_is_not_opened(tmp_path: Path) -> None:
    write_tree(tmp_path, TREE)
    os.mkfifo(tmp_path / "app/pipe")

    assert Locator([str(tmp_path)]).data("app", "pipe") is None


def test_only_packages_that_travel_have_data(tmp_path: Path) -> None:
    locator = Locator([str(write_tree(tmp_path, {"plain.py": ""}))])

    assert locator.data("json", "__init__.py") is None
    assert locator.data("plain", "plain.py") is None
    assert locator.listing("nope") is None


def test_data_over_the_limit_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "MAX_RESOURCE_BYTES", 3)

    with pytest.raises(MessageTooLarge, match=r"has 4 bytes, the limit is 3: .*files\.put"):
        Locator([str(write_tree(tmp_path, TREE))]).data("app", "logo.txt")


def test_listing_over_the_limit_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locate, "MAX_LISTING", 2)

    with pytest.raises(MessageTooLarge, match="3 entries, the limit is 2"):
        Locator([str(write_tree(tmp_path, TREE))]).listing("app")
