"""Reads the folder of a package, on disk or inside a zip file, and nothing outside of it.

Relative paths may come from a hostile child: "/" between plain names, matched exactly against
the folder's listing (so a file system that ignores case opens no second name for a file);
no "..", nothing absolute, no symbolic link that leaves the folder, only regular files.
"""

import os
import pkgutil
import stat
import zipimport
from typing import NamedTuple

__all__ = [
    "MAX_DEPTH",
    "MAX_RELATIVE",
    "Entry",
    "TooLarge",
    "list_folder",
    "parts_of",
    "read_file",
]

# Deeper and longer paths than any package has; a path is walked name by name.
MAX_DEPTH = 32
MAX_RELATIVE = 4096


class Entry(NamedTuple):
    """One name in a folder."""

    name: str
    is_dir: bool


class TooLarge(Exception):
    """A file exceeds the caller's limit; `size` is in bytes, nothing was read."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


def parts_of(relative: str) -> tuple[str, ...] | None:
    """Split a relative path; () is the folder itself, None what may not be looked up."""
    if len(relative) > MAX_RELATIVE or "\0" in relative:
        return None
    parts = tuple(relative.split("/")) if relative else ()
    refused = {"", ".", "..", "__pycache__"}
    return None if len(parts) > MAX_DEPTH or refused.intersection(parts) else parts


def list_folder(location: str, parts: tuple[str, ...] = ()) -> list[Entry] | None:
    """List a folder sorted by name, without caches; None when there is no such folder."""
    archive = _archive(location)
    if archive is not None:
        return _list_archive(archive, parts)
    folder = _resolve(location, parts)
    if folder is None or not os.path.isdir(folder):
        return None
    root = os.path.realpath(location)
    inside = [entry for entry in os.scandir(folder) if _is_inside(entry.path, root)]
    entries = [Entry(entry.name, entry.is_dir()) for entry in inside]
    return sorted(entry for entry in entries if entry.name != "__pycache__")


def list_importable(location: str) -> list[Entry]:
    """List what imports can see in a folder; unlike data files, modules may be links out."""
    archive = _archive(location)
    if archive is not None:
        return _list_archive(archive, ()) or []
    try:
        entries = [Entry(entry.name, entry.is_dir()) for entry in os.scandir(location)]
    except OSError:
        return []
    return [entry for entry in entries if entry.name != "__pycache__"]


def read_file(location: str, parts: tuple[str, ...], limit: int) -> bytes | None:
    """Read a regular file; None when there is none.

    Raises TooLarge above `limit` bytes and OSError when the file cannot be read.
    """
    archive = _archive(location)
    if archive is not None:
        return _read_archive(archive, parts, limit)
    path = _resolve(location, parts)
    if path is None:
        return None
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        return None  # a pipe would block, a device would never end
    if status.st_size > limit:
        raise TooLarge(status.st_size)
    with open(path, "rb") as file:
        # Room for as much as it is asked for is made at once, whatever the file has.
        return file.read(status.st_size or limit)


def _resolve(location: str, parts: tuple[str, ...]) -> str | None:
    path, root = os.path.abspath(location), os.path.realpath(location)
    for part in parts:
        try:
            names = os.listdir(path)
        except OSError:
            return None
        path = os.path.join(path, part)
        if part not in names or not _is_inside(path, root):
            return None
    return path if os.path.exists(path) else None


def _is_inside(path: str, root: str) -> bool:
    return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)


def _archive(location: str) -> zipimport.zipimporter | None:
    if os.path.isdir(location):
        return None
    try:
        importer = pkgutil.get_importer(location)
    except OSError:
        return None
    return importer if isinstance(importer, zipimport.zipimporter) else None


def _archive_path(archive: zipimport.zipimporter, parts: tuple[str, ...]) -> str:
    return "/".join((*filter(None, archive.prefix.split(os.sep)), *parts))


def _list_archive(archive: zipimport.zipimporter, parts: tuple[str, ...]) -> list[Entry] | None:
    folder = _archive_path(archive, parts)
    prefix = folder + "/" if folder else ""
    import zipfile  # only here and below: few programs import from an archive

    with zipfile.ZipFile(archive.archive) as file:
        names = [name[len(prefix) :] for name in file.namelist() if name.startswith(prefix)]
    entries = {Entry(name.partition("/")[0], "/" in name) for name in names if name}
    if not names:
        return None
    return sorted(entry for entry in entries if entry.name != "__pycache__")


def _read_archive(
    archive: zipimport.zipimporter, parts: tuple[str, ...], limit: int
) -> bytes | None:
    import zipfile

    with zipfile.ZipFile(archive.archive) as file:
        try:
            info = file.getinfo(_archive_path(archive, parts))
        except KeyError:
            return None
        if info.is_dir():
            return None
        if info.file_size > limit:
            raise TooLarge(info.file_size)
        return file.read(info)
