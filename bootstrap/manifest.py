"""Which modules travel in the bootstrap, and how many bytes they may cost.

A module travels under its true dotted name, so tracebacks and imports read the same at both
ends. Whatever a listed module imports at its top must be listed too (a test checks): what is
missing here would cost the child a flight before its first call.
"""

__all__ = ["GOAL", "LIMIT", "MODULES", "WORDS"]

# In the order that compresses best: zlib sees 32 KiB back (found by trying; worth 230 bytes).
MODULES = (
    "remotesvc",
    "remotesvc.core",
    "remotesvc.bootstrap",
    "remotesvc.core.budget",
    "remotesvc.core.credit",
    "remotesvc.core.errors",
    "remotesvc.core.encoder",
    "remotesvc.core.extensions",
    "remotesvc.core.decoder",
    "remotesvc.core.wire",
    "remotesvc.core.fragments",
    "remotesvc.bootstrap.settings",
    "remotesvc.core.finder",
    "remotesvc.core.values",
    "remotesvc.core.authority",
    "remotesvc.core.switch",
    "remotesvc.core.pending",
    "remotesvc.core.fetch",
    "remotesvc.core.outbox",
    "remotesvc.core.deadman",
    "remotesvc.core.stdio",
    "remotesvc.core.calls",
    "remotesvc.core.link",
    "remotesvc.bootstrap.child",
    "remotesvc.core.loop",
)

# Words that stand in the payload as one character each: what zlib finds a second time costs it two
# or three bytes, every time. Found by trying; worth 900 bytes.
WORDS = (
    "message",
    "ing",
    "value",
    "call",
    "module",
    "rror",
    "fields",
    "def",
    "handle",
    "ent",
    "None",
    "remotesvc",
    "self.",
    "not",
    "bytes",
    "import",
    "else",
    "auth",
    "from",
    "src",
    "payload",
    "size",
    "raise",
    "end",
    "link",
    "True",
    "write",
    "loop",
    "self",
    "lambda",
    "is_",
    "name",
    "rea",
    "record",
    "frame",
    "data",
    "text",
    "return",
    "extension",
)

# Bytes of the library that a first call sends: command line, payload and configuration frame.
# One initial TCP window takes about 14 KB, so each KB above it costs a slow link; a test fails
# above LIMIT, `make payload` shows the distance to both.
GOAL = 16 * 1024
LIMIT = 19 * 1024
