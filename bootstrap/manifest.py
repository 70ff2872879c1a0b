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
    "remotesvc.core.errors",
    "remotesvc.core.credit",
    "remotesvc.core.budget",
    "remotesvc.core.encoder",
    "remotesvc.core.extensions",
    "remotesvc.core.decoder",
    "remotesvc.bootstrap.settings",
    "remotesvc.core.finder",
    "remotesvc.core.values",
    "remotesvc.core.pending",
    "remotesvc.core.fetch",
    "remotesvc.core.wire",
    "remotesvc.core.authority",
    "remotesvc.core.switch",
    "remotesvc.core.outbox",
    "remotesvc.core.fragments",
    "remotesvc.core.stdio",
    "remotesvc.core.calls",
    "remotesvc.bootstrap.child",
    "remotesvc.core.deadman",
    "remotesvc.core.loop",
    "remotesvc.core.link",
)

# Words that stand in the payload as one character each: what zlib finds costs it two or three bytes
# every time. Found by trying; worth 700 bytes.
WORDS = (
    "self",
    "message",
    "return",
    "size",
    "for",
    "data",
    "is_",
    "payload",
    "start",
    "None",
    "call",
    "rror",
    "record",
    "link",
    "from",
    "reply",
    ".append(",
    "read",
    "not",
    "False",
    "respondent",
    "remotesvc",
    "loop",
    "fields",
    "handle",
    "raise",
    "value",
    "end",
    "extension",
    "fragment",
    "bytes",
    "import",
    "def",
    "name",
    "write",
)

# Bytes of the library that a first call sends: command line, payload and configuration frame.
# One initial TCP window takes about 14 KB, so each KB above it costs a slow link; a test fails
# above LIMIT, `make payload` shows the distance to both.
GOAL = 16 * 1024
LIMIT = 19 * 1024
