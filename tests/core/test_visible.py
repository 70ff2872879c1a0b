"""Text from elsewhere: nothing that moves a cursor, reorders what is read, or breaks a line."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.visible import visible


@pytest.mark.parametrize("text", ["", "plain", "Grüße, 世界 🎉", "tab\tstays", "nbsp\xa0stays"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text and visible(text, False) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("safe\rdangerous", r"safe\x0ddangerous"),
        ("a\x00b\x7fc", r"a\x00b\x7fc"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\u2066isolate\u2069", r"\u2066isolate\u2069"),
        ("name\udcff", r"name\udcff"),
        ("line\u2028separator", r"line\u2028separator"),
    ],
)
def test_harmful_characters_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown and visible(text, False) == shown


def test_newlines_stay_where_a_sink_takes_several_lines() -> None:
    assert visible("one\ntwo") == r"one\x0atwo"
    assert visible("one\ntwo\r", False) == "one\ntwo\\x0d"


@given(st.text(), st.booleans())
def test_nothing_harmful_is_left_of_any_text(text: str, is_one_line: bool) -> None:
    shown = visible(text, is_one_line)
    allowed = "\t" if is_one_line else "\t\n"
    for char in shown:
        assert char in allowed or unicodedata.category(char) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(char) not in (
            *("LRE", "RLE", "PDF", "LRO", "RLO"),
            *("LRI", "RLI", "FSI", "PDI"),
        )
    shown.encode("utf-8")
