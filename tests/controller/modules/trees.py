"""Builds folders of small sources for the tests of this folder."""

import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_tree", "zip_tree"]


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files, given as relative path and content, beneath `root`; give `root` back."""
    for relative, content in files.items():
        path = root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        path.write_bytes(content)
    return root


def zip_tree(archive: Path, files: Mapping[str, str]) -> Path:
    """Write files into a new zip file; give its path back."""
    with zipfile.ZipFile(archive, "w") as file:
        for relative, content in files.items():
            file.writestr(relative, textwrap.dedent(content))
    return archive
