"""What importlib.resources and pkgutil see in a served package. Python 3.6."""

import importlib
import pkgutil

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

__all__ = [
    "as_file",
    "classic",
    "classic_errors",
    "data",
    "entries",
    "is_file_or_folder",
    "read",
    "read_text",
    "tree",
]


def data(package: "str", resource: "str") -> "Optional[bytes]":
    """Read a file by pkgutil.get_data, which every Python has."""
    return pkgutil.get_data(package, resource)


def classic(package: "str", resource: "str") -> "Dict[str, Any]":
    """Use the functions of importlib.resources that came with 3.7."""
    import importlib.resources as resources

    with resources.open_text(package, resource) as text:
        line = text.readline()
    with resources.open_binary(package, resource) as binary:
        first = binary.read(1)
    with resources.path(package, resource) as path:
        content = path.read_bytes()
    return {
        "text": resources.read_text(package, resource),
        "binary": resources.read_binary(package, resource),
        "line": line,
        "first": first,
        "file": content,
        "is_gone": not path.exists(),
        "is_resource": resources.is_resource(package, resource),
    }


def classic_errors(package: "str", resource: "str") -> "List[str]":
    """Return the types of what the same functions raise, and is_resource() last."""
    import importlib.resources as resources

    said = []
    for function in (resources.open_text, resources.read_binary, resources.read_text):
        try:
            function(package, resource)
            said.append("nothing")
        except OSError as error:
            said.append(type(error).__name__)
    return [*said, str(resources.is_resource(package, resource))]


def _files(package: "str", path: "str") -> "Any":
    import importlib.resources as resources

    found: "Any" = resources.files(package)
    for name in filter(None, path.split("/")):
        found = found / name
    return found


def read(package: "str", path: "str") -> "bytes":
    """Read a file through files(), which came with 3.9."""
    content: "bytes" = _files(package, path).read_bytes()
    return content


def read_text(package: "str", path: "str", encoding: "str") -> "Tuple[str, str, bytes]":
    """Read a file in three ways."""
    found = _files(package, path)
    with found.open(encoding=encoding) as text, found.open("rb") as binary:
        return (found.read_text(encoding=encoding), text.read(), binary.read())


def entries(package: "str", path: "str" = "") -> "List[Tuple[str, bool, bool]]":
    """List a folder: name, is it a file, is it a folder."""
    found = _files(package, path)
    return sorted((item.name, item.is_file(), item.is_dir()) for item in found.iterdir())


def is_file_or_folder(package: "str", path: "str") -> "Tuple[bool, bool]":
    """Tell what a path is; neither when there is none."""
    found = _files(package, path)
    return (found.is_file(), found.is_dir())


def as_file(package: "str", path: "str") -> "Tuple[bytes, str]":
    """Have a resource as a file on disk for a moment."""
    import importlib.resources as resources

    with resources.as_file(_files(package, path)) as place:
        return (place.read_bytes(), place.suffix)


def tree(package: "str") -> "List[str]":
    """Walk all files of a package."""
    found = []  # type: List[str]
    pending = [("", _files(package, ""))]
    while pending:
        prefix, folder = pending.pop()
        for item in folder.iterdir():
            if item.is_dir():
                pending.append((prefix + item.name + "/", item))
            else:
                found.append(prefix + item.name)
    return sorted(found)


def loader_reads(package: "str", path: "str") -> "bytes":
    """Read a file by the loader's own get_data."""
    loader: "Any" = importlib.import_module(package).__loader__
    content: "bytes" = loader.get_data(path)
    return content
