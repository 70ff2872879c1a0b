"""Visible: text from elsewhere made safe to show. Pure.

Every sink that shows what came from a child (terminal, log, error text) passes it through here.
"""

__all__ = ["visible"]

# Formatting that reorders what is read: Unicode TR9 explicit controls and isolates.
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: "str", is_one_line: "bool" = True) -> "str":
    """Escape C0 but tab, C1, DEL, bidi controls and lone surrogates; newlines where asked."""
    if text.isprintable():
        return text
    keep = "\t" if is_one_line else "\t\n"
    return "".join(
        char if char in keep or not _is_harmful(char) else _escape(char) for char in text
    )


def _is_harmful(char: "str") -> "bool":
    code = ord(char)
    return (
        code < 0x20
        or 0x7F <= code < 0xA0
        or 0xD800 <= code < 0xE000
        or code in (0x2028, 0x2029)
        or char in BIDI
    )


def _escape(char: "str") -> "str":
    code = ord(char)
    return "\\x%02x" % code if code < 0x100 else "\\u%04x" % code
