"""What only some imports need: the files of served packages, their listing, and what is here.

A child fetches this module when it first needs it. Only this file knows the interfaces of
importlib.resources and pkgutil, which differ between 3.6 and 3.13. Everything is read through the
parent, by GET_RESOURCE, and nothing is written to a disk.
"""

import io
from importlib.machinery import PathFinder

from .authority import GET_RESOURCE
from .finder import MISSING, MODULE, PACKAGE, REFUSED
from .values import decode
from .wire import DEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from typing import IO, Any, Iterator, List, Optional, Tuple

    from .finder import Finder

__all__ = [
    "File",
    "Reader",
    "find_installed",
    "get_data",
    "iter_modules",
    "read_resource",
    "teach_files",
]


class Reader:
    """The reader of one package, as importlib.resources wants it (3.7 and later)."""

    def __init__(self, finder: "Finder", package: "str") -> "None":
        self._root = File(finder, package, ())

    def files(self) -> "File":
        """Return the package's folder."""
        return self._root

    def open_resource(self, resource: "str") -> "IO[bytes]":
        """Return an open file; FileNotFoundError says why there is none."""
        return io.BytesIO(self._root.joinpath(resource).read_bytes())

    def resource_path(self, resource: "str") -> "str":
        """Raise FileNotFoundError: nothing of a served package lies on this host."""
        raise FileNotFoundError(2, "served from the parent, not on this host's disk", resource)

    def is_resource(self, path: "str") -> "bool":
        """Tell whether there is a file of that name; folders are none."""
        return self._root.joinpath(path).is_file()

    def contents(self) -> "Iterator[str]":
        """Return the names in the package's folder."""
        return (item.name for item in self._root.iterdir())


class File:
    """A file or folder inside a served package: what importlib.resources calls Traversable."""

    def __init__(self, finder: "Finder", package: "str", parts: "Tuple[str, ...]") -> "None":
        self._finder = finder
        self._package = package
        self._parts = parts

    def __repr__(self) -> "str":
        return "<%r of package %s>" % ("/".join(self._parts), self._package)

    @property
    def name(self) -> "str":
        """The last part of the path; of the package's own folder, of its name."""
        return self._parts[-1] if self._parts else self._package.rpartition(".")[2]

    def iterdir(self) -> "Iterator[File]":
        """Yield what is in this folder; FileNotFoundError when it is none."""
        for name, _ in self._listing():
            yield File(self._finder, self._package, (*self._parts, name))

    def is_dir(self) -> "bool":
        """Tell whether this is a folder."""
        return not self._parts or self._is_listed(True)

    def is_file(self) -> "bool":
        """Tell whether this is a file."""
        return bool(self._parts) and self._is_listed(False)

    def joinpath(self, *names: "Any") -> "File":
        """Return what is below; each name may have several parts."""
        parts = self._parts
        for name in names:
            parts += tuple(part for part in str(name).split("/") if part not in ("", "."))
        return File(self._finder, self._package, parts)

    __truediv__ = joinpath

    def open(self, mode: "str" = "r", *args: "Any", **kwargs: "Any") -> "Any":
        """Open for reading, as bytes ("rb") or text ("r", with the options of TextIOWrapper)."""
        if mode not in ("r", "rt", "rb"):
            raise ValueError("mode %r: files of a served package can only be read" % mode)
        data = io.BytesIO(self.read_bytes())
        return data if mode == "rb" else io.TextIOWrapper(data, *args, **kwargs)

    def read_bytes(self) -> "bytes":
        """Return the content."""
        return read_resource(self._finder, self._package, "/".join(self._parts))

    def read_text(self, encoding: "Optional[str]" = None, errors: "str" = "strict") -> "str":
        """Return the content as text."""
        with self.open("r", encoding or "utf-8", errors) as file:
            return file.read()  # type: ignore[no-any-return]

    def _listing(self) -> "List[Tuple[str, bool]]":
        path = "".join(part + "/" for part in self._parts)
        return decode(read_resource(self._finder, self._package, path))  # type: ignore[no-any-return]

    def _is_listed(self, is_dir: "bool") -> "bool":
        folder = File(self._finder, self._package, self._parts[:-1])
        try:
            return (self.name, is_dir) in folder._listing()
        except FileNotFoundError:
            return False


def get_data(finder: "Finder", path: "str") -> "bytes":
    """Return the bytes of a file beside a served module, given by its file name over there."""
    for name, record in list(finder.records.items()):
        folder = record[1].rpartition("/")[0] + "/"
        if record[0] == PACKAGE and path.startswith(folder):
            return read_resource(finder, name, path[len(folder) :])
    raise FileNotFoundError(2, "it is in no package that the parent serves", path)


def iter_modules(finder: "Finder", name: "str", prefix: "str") -> "Iterator[Tuple[str, bool]]":
    """Yield (name, is a package) of the submodules that the parent serves: for pkgutil."""
    for short in sorted(finder.records[name][3] or ()):
        full = "%s.%s" % (name, short)
        record = finder.records.get(full) or finder.request(full)
        if record is not None and record[0] not in (MISSING, REFUSED):
            yield prefix + short, record[0] != MODULE


def find_installed(name: "str", reason: "str") -> "ModuleSpec":
    """Return the spec of a module that the parent refused, from this host's own packages.

    A compiled part of a served package is found in the copy that is installed here. Raises
    ModuleNotFoundError, for the parent's reason, where there is none.
    """
    path = None
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:end]), path)
        if spec is None:
            break
        if end == len(parts):
            return spec
        path = spec.submodule_search_locations
        if path is None:
            break
    raise ModuleNotFoundError(reason, name=name)


def teach_files(finder: "Finder") -> "None":
    """Have importlib.resources.files() of Python 3.9 ask our loader, as it does since 3.10.

    That one version looks into the file system whatever the loader is.
    """
    import importlib._common as common  # type: ignore[import-not-found]

    of_disk = common.fallback_resources

    def files(spec: "Any") -> "Any":
        return Reader(finder, spec.name).files() if spec.loader is finder else of_disk(spec)

    common.fallback_resources = files


def read_resource(finder: "Finder", package: "str", path: "str") -> "bytes":
    """Return the bytes of a file in a package of the parent's; OSError if there is none."""
    if finder.request_of is None:
        raise FileNotFoundError(2, "there is no parent to ask", path)
    reply = finder.request_of(GET_RESOURCE, (package, path), "the request for %s" % path)
    if reply.encoding == DEAD:
        raise FileNotFoundError(2, decode(reply.payload)[1], path)
    return reply.payload
