"""Which modules travel in the bootstrap, and how many bytes they may cost.

A module travels under its true dotted name, so tracebacks and imports read the same at both
ends. Whatever a listed module imports at its top must be listed too (a test checks): what is
missing here would cost the child a flight before its first call.
"""

__all__ = ["GOAL", "LIMIT", "MODULES", "WORDS"]

# In the order that compresses best: zlib sees 32 KiB back (found by trying; worth 230 bytes).
MODULES = (
    "remotesvc",
    "remotesvc.bootstrap",
    "remotesvc.core",
    "remotesvc.core.errors",
    "remotesvc.core.secret",
    "remotesvc.core.finder",
    "remotesvc.core.credit",
    "remotesvc.core.authority",
    "remotesvc.bootstrap.settings",
    "remotesvc.core.values",
    "remotesvc.core.wire",
    "remotesvc.core.fragments",
    "remotesvc.core.fetch",
    "remotesvc.core.switch",
    "remotesvc.core.decoder",
    "remotesvc.core.encoder",
    "remotesvc.core.extensions",
    "remotesvc.core.stdio",
    "remotesvc.bootstrap.child",
    "remotesvc.core.calls",
    "remotesvc.core.outbox",
    "remotesvc.core.budget",
    "remotesvc.core.pending",
    "remotesvc.core.link",
    "remotesvc.core.loop",
    "remotesvc.core.deadman",
)

# Words that stand in the payload as one character each: what zlib finds costs it two or three bytes
# every time. Found by trying; worth 700 bytes.
WORDS = (
    "self",
    "message",
    "return",
    "size",
    "None",
    "remotesvc",
    "handle",
    "payload",
    "import",
    "write",
    "call",
    "rror",
    "name",
    "link",
    "from",
    "reply",
    ".append(",
    "read",
    "value",
    "record",
    "text",
    "data",
    "module",
    "else",
    "stream",
    "raise",
    "code",
    "\n\n\ndef",
    "extension",
    "fragment",
    "bytes",
    "parent",
)

# Bytes of the library that a first call sends: command line, payload and configuration frame.
# One initial TCP window takes about 14 KB, so each KB above it costs a slow link; a test fails
# above LIMIT, `make payload` shows the distance to both.
GOAL = 16 * 1024
LIMIT = 19 * 1024
