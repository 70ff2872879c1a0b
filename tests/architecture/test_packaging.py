"""What is built and installed is what stands in the tree, and nothing else."""

import configparser
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import remotesvc
from tests.architecture.tree import FOLDERS, MODULES, ROOT

# What a build reads; the rest of the checkout must not matter to it.
BUILD_INPUTS = (
    *FOLDERS,
    "setup.cfg",
    "pyproject.toml",
    "README.md",
    "LICENSE",
)

# Files of the wheel that are no Python.
DATA = ("remotesvc/py.typed", "remotesvc/bootstrap/probe.sh")

BUILD = "import setuptools.build_meta as b, sys; sys.stdout.write(b.build_wheel(sys.argv[1]))"


def packages_of_the_tree() -> set[str]:
    return {name for name, path in MODULES.items() if path.name == "__init__.py"}


def setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The file names of a wheel, built from a copy of the tree with the tools at hand."""
    pytest.importorskip("setuptools", minversion="70.1", reason="older ones need another package")
    source = tmp_path_factory.mktemp("source")
    for name in BUILD_INPUTS:
        copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("SETUPTOOLS_ENABLE_FEATURES", None)
    done = subprocess.run(
        [sys.executable, "-c", BUILD, str(out)],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, target, symlinks=True, ignore=ignored)
    else:
        shutil.copy(source, target)


def test_version_is_the_same_wherever_it_stands() -> None:
    assert remotesvc.__version__ == setup_cfg()["metadata"]["version"]


def test_package_list_equals_the_tree() -> None:
    listed = setup_cfg()["options"]["packages"].split()

    assert listed == sorted(packages_of_the_tree())


def test_every_folder_with_modules_is_a_package() -> None:
    parents = {name.rpartition(".")[0] for name in MODULES if name != "remotesvc"}

    assert parents <= packages_of_the_tree()


def test_folders_map_to_the_packages_they_install_as() -> None:
    lines = setup_cfg()["options"]["package_dir"].strip().splitlines()
    mapping = dict(line.replace(" ", "").split("=") for line in lines)

    assert mapping == {package: folder for folder, package in FOLDERS.items()}


@pytest.mark.parametrize("folder", ["bootstrap", "cli"])
def test_symlink_shows_the_folder_as_the_package(folder: str) -> None:
    link = ROOT / "remotesvc" / folder

    assert link.is_symlink()
    assert os.readlink(link) == os.path.join("..", folder)


def test_wheel_holds_the_package_and_its_metadata_only(wheel: list[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}

    assert sorted(top for top in tops if not top.endswith(".dist-info")) == ["remotesvc"]


def test_wheel_holds_every_module(wheel: list[str]) -> None:
    expected = {
        name.replace(".", "/") + ("/__init__.py" if path.name == "__init__.py" else ".py")
        for name, path in MODULES.items()
    }

    assert {name for name in wheel if name.endswith(".py")} == expected


def test_wheel_holds_the_data_files(wheel: list[str]) -> None:
    assert set(DATA) <= set(wheel)


def test_editable_installation_is_not_the_compatible_kind() -> None:
    for path in ("Makefile", ".ci/run", "setup.cfg", "pyproject.toml"):
        text = (ROOT / path).read_text("utf-8")
        assert "editable_mode" not in text, f"{path}: the symlinks serve the tools; no mode needed"
