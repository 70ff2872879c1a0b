"""The payload: the modules of the manifest as the bytes that a bare interpreter inflates.

    python -m remotesvc.bootstrap.payload       shows what each module costs

The format is the one that stage0 and unpack read: zlib over NUL-separated text. The first field
is a program, unpack.py; the second holds the words that are one character each in what follows;
then come three fields per module: name, path, source. A package is known by its path, which ends
in "/__init__.py". Paths are relative and serve tracebacks only.
"""

import collections
import functools
import sys
import threading

from remotesvc.bootstrap.manifest import GOAL, LIMIT, MODULES, WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

    class Module(NamedTuple):
        """What travels of one module."""

        is_package: bool
        path: str
        source: str

    class Size(NamedTuple):
        """Bytes of one module: as written, blanked, and blanked and compressed alone."""

        name: str
        raw: int
        blanked: int
        compressed: int

else:
    Module = collections.namedtuple("Module", "is_package path source")
    Size = collections.namedtuple("Size", "name raw blanked compressed")

__all__ = [
    "Module",
    "Size",
    "build",
    "build_compiled",
    "pack",
    "read_modules",
    "report",
    "sizes",
    "warm_up",
]

_building = threading.Lock()

PACKAGE_SUFFIX = "/__init__.py"

# The module whose source is the payload's program: it runs before anything can be imported.
PROGRAM = "remotesvc.bootstrap.unpack"

# What the payload is made with: it is made anew when one of these is another one.
TOOLS = tuple("remotesvc.bootstrap." + name for name in ("payload", "blank", "manifest"))


def pack(program: "str", modules: "Mapping[str, Module]", words: "Sequence[str]" = ()) -> "bytes":
    """Return the payload of a program and its modules, in their order and as they are given.

    `words` stand in it as one character each: frequent ones make it shorter.

    Raises ValueError for a NUL in a field, and for a path that does not say what `is_package`
    says: the child would take the module for something else.
    """
    import zlib

    fields: "List[str]" = []
    for name, (is_package, path, source) in modules.items():
        if path.endswith(PACKAGE_SUFFIX) != is_package:
            raise ValueError(
                "module %s: path %r of a %s; a package's path ends in %r, no other path does"
                % (name, path, "package" if is_package else "plain module", PACKAGE_SUFFIX)
            )
        fields += (name, path, source)
    if any("\0" in field for field in (program, *fields)):
        raise ValueError("NUL separates the fields of a payload, so no field may contain one")
    listed, text = _replace(words, "\0".join(fields))
    # Blocks a quarter as long as by default, whose codes fit better: 40 bytes less.
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 6)
    data = "\0".join((program, listed, text)).encode("utf-8")
    return compressor.compress(data) + compressor.flush()


def _replace(words: "Sequence[str]", text: "str") -> "Tuple[str, str]":
    """Return the list of marks and words, and the text with the marks in place of the words."""
    free = [mark for mark in map(chr, range(1, 128)) if mark not in text and mark != " "]
    if len(free) < len(words):
        raise ValueError("%d words, and only %d characters are free" % (len(words), len(free)))
    marked = list(zip(free, words))
    for mark, word in marked:
        text = text.replace(word, mark)
    return " ".join(mark + word for mark, word in marked), text


def read_modules(names: "Iterable[str]" = MODULES) -> "Mapping[str, Module]":
    """Return modules of this installation by name, sources as written; nothing is imported
    but their packages.

    Raises ModuleNotFoundError for a name that is not installed, ImportError for one without
    source.
    """
    return collections.OrderedDict((name, _read(name)) for name in names)


def _read(name: "str") -> "Module":
    import importlib.util

    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(
            "the manifest lists %s, which is not installed" % name, name=name
        )
    source = getattr(spec.loader, "get_source", lambda _: None)(name)
    if source is None:
        text = "module %s is installed without source, and the bootstrap sends source" % name
        raise ImportError(text, name=name)
    is_package = spec.submodule_search_locations is not None
    path = name.replace(".", "/") + (PACKAGE_SUFFIX if is_package else ".py")
    return Module(is_package, path, source)


def warm_up() -> "None":
    """Begin to build the payload on a thread, for a connector that first waits for a network."""
    if not _build.cache_info().currsize:
        threading.Thread(target=build, name="remotesvc-payload", daemon=True).start()


def build() -> "bytes":
    """Return the payload of the manifest: made once, which takes a tenth of a second, and kept."""
    with _building:  # threads that connect at the same time wait for one of them
        return _build()


@functools.lru_cache(maxsize=1)
def _build() -> "bytes":
    return _keep("source", make_source)


@functools.lru_cache(maxsize=1)
def build_compiled() -> "bytes":
    """Return the payload for a child in this very interpreter: compiled here, once, not there."""
    return _keep("code", make_compiled)


def _keep(name: "str", make: "Callable[[str, Mapping[str, Module]], bytes]") -> "bytes":
    """Return the payload that make(program, modules) makes, or made for an earlier process."""
    from remotesvc.bootstrap.kept import keep

    modules, program = read_modules(), _read(PROGRAM).source
    texts = [_read(tool).source for tool in TOOLS] + [program]
    for module in modules.items():
        texts += (module[0], module[1].path, module[1].source)
    material = "\0".join(texts).encode("utf-8")
    return keep(__file__, name, material, lambda: make(program, modules))


def make_source(program: "str", modules: "Mapping[str, Module]") -> "bytes":
    """Make the payload for any Python."""
    from remotesvc.bootstrap.blank import blank

    blanked = collections.OrderedDict(
        (name, module._replace(source=blank(module.source))) for name, module in modules.items()
    )
    return pack(blank(program), blanked, WORDS)


def make_compiled(program: "str", modules: "Mapping[str, Module]") -> "bytes":
    """Make the payload for this Python.

    Compiling is a third of what a local child does before its first call. The modules stand in
    the one text behind the program as base64 over marshal, code in the place of source.
    """
    import base64
    import marshal
    import zlib

    from remotesvc.bootstrap.blank import blank

    fields: "List[object]" = []
    for name, module in modules.items():
        code = compile(blank(module.source), module.path, "exec", dont_inherit=True)
        fields += (name, module.path, code)
    text = base64.b64encode(marshal.dumps(fields)).decode("ascii")
    return zlib.compress("\0".join((blank(program), text)).encode("ascii"), 1)


def sizes() -> "List[Size]":
    """Return what each module of the manifest costs, in the order of the manifest."""
    import zlib

    from remotesvc.bootstrap.blank import blank

    result: "List[Size]" = []
    for name, module in read_modules().items():
        blanked = blank(module.source).encode("utf-8")
        raw = len(module.source.encode("utf-8"))
        result.append(Size(name, raw, len(blanked), len(zlib.compress(blanked, 9))))
    return result


def report() -> "str":
    """Return the table of `make payload`: a line per module, the totals, goal and limit."""
    from remotesvc.bootstrap.command import shell_command

    rows = sizes()
    width = max(len(row.name) for row in rows)
    line = "%-*s %8s %8s %10s"
    lines = [line % (width, "module", "written", "blanked", "compressed")]
    lines += [line % (width, row.name, row.raw, row.blanked, row.compressed) for row in rows]
    payload = len(build())
    raw = sum(row.raw for row in rows)
    blanked = sum(row.blanked for row in rows)
    command = len(shell_command(None, payload))
    total = command + payload
    lines.append(line % (width, "payload", raw, blanked, payload))
    lines.append(line % (width, "command line", "", "", command))
    lines.append(line % (width, "both", "", "", total))
    lines.append(
        "The configuration frame adds about 100. With it: goal %d (%d left), limit %d (%d left)."
        % (GOAL, GOAL - total, LIMIT, LIMIT - total)
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(report())
