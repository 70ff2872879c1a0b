"""A text that does not show itself, and is a text all the same."""

import copy
import logging
import pickle
import traceback

import pytest

from remotesvc import Secret
from remotesvc.core.values import decode, encode

TEXT = "correct horse"


@pytest.mark.parametrize(
    "shown",
    [
        repr(Secret(TEXT)),
        str(Secret(TEXT)),
        f"{Secret(TEXT)}",
        f"{Secret(TEXT)!r:>40}",
        f"{Secret(TEXT):>40}",
        f"{Secret(TEXT)}",
        "%s" % Secret(TEXT),  # noqa: UP031 this is a way to show it too
        "%r" % [Secret(TEXT)],
        repr({"password": Secret(TEXT)}),
    ],
)
def test_no_way_of_showing_it_shows_the_text(shown: str) -> None:
    assert TEXT not in shown and "*" in shown


def test_logging_it_shows_a_mask(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").error("password %s", Secret(TEXT))
    assert TEXT not in caplog.text and "********" in caplog.text


def test_traceback_with_it_shows_a_mask() -> None:
    try:
        raise ValueError("bad password", Secret(TEXT))
    except ValueError:
        assert TEXT not in traceback.format_exc()


def test_it_is_a_real_text() -> None:
    secret = Secret(TEXT)
    assert secret == TEXT and hash(secret) == hash(TEXT) and len(secret) == len(TEXT)
    assert secret.encode() == TEXT.encode() and isinstance(secret, str)
    assert secret.reveal() == TEXT and type(secret.reveal()) is str


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.copy,
        copy.deepcopy,
        lambda s: pickle.loads(pickle.dumps(s)),
        lambda s: decode(encode(s)),
    ],
    ids=["copy", "deepcopy", "pickle", "wire"],
)
def test_copy_of_it_is_a_secret_too(duplicate: object) -> None:
    other = duplicate(Secret(TEXT))  # type: ignore[operator]
    assert type(other) is Secret and other.reveal() == TEXT
