"""Words of a command line as arguments of a function."""

import pytest

from remotesvc.cli.arguments import Arguments, parse_arguments
from remotesvc.cli.usage import UsageProblem


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("1.5", 1.5),
        ("None", None),
        ("True", True),
        ("[1, 'a']", [1, "a"]),
        ("{'a': (1, 2)}", {"a": (1, 2)}),
        ("b'raw'", b"raw"),
        ("'5'", "5"),
        ("nginx", "nginx"),
        ("/srv/a b", "/srv/a b"),
        ("0755", "0755"),
        ("{[]}", "{[]}"),
        ("", ""),
        ("a, b", "a, b"),
        ("=5", "=5"),
        ("--=5", "--=5"),
        ("a.b=5", "a.b=5"),
    ],
)
def test_a_word_is_a_literal_if_it_parses_as_one_else_text(word: str, value: object) -> None:
    (parsed,) = parse_arguments([word]).args

    assert (parsed, type(parsed)) == (value, type(value))


def test_a_word_with_an_identifier_before_its_first_equals_sign_is_a_keyword() -> None:
    parsed = parse_arguments(["1", "disk=/srv", "limit=0.5", "rest=a=b", "2"])

    assert parsed == Arguments((1, 2), {"disk": "/srv", "limit": 0.5, "rest": "a=b"})


def test_after_two_dashes_nothing_is_a_keyword() -> None:
    parsed = parse_arguments(["a=1", "b=2", "--"], literal_tail=2)

    assert parsed == Arguments(("b=2", "--"), {"a": 1})


def test_everything_is_text_when_asked_for() -> None:
    parsed = parse_arguments(["5", "key=None"], is_text=True)

    assert parsed == Arguments(("5",), {"key": "None"})


def test_a_keyword_given_twice_is_refused() -> None:
    with pytest.raises(UsageProblem, match="the argument disk is given twice"):
        parse_arguments(["disk=a", "disk=b"])


@pytest.mark.parametrize("word", ["...", "[...]", "[" * 70 + "]" * 70])
def test_what_cannot_be_sent_is_refused_with_the_way_out(word: str) -> None:
    with pytest.raises(UsageProblem, match=r"argument 2.*--text sends it as text") as caught:
        parse_arguments(["1", word])

    assert len(str(caught.value)) < 250
    assert parse_arguments([word], is_text=True).args == (word,)
