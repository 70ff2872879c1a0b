"""The payload of a service call: read back, and refused when it is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.errors import ProtocolError, ValueNotSupported
from remotesvc.service.request import (
    ACTIVATE,
    NAME_LIMIT,
    pack_cancel,
    pack_request,
    read_cancel,
    read_request,
)

# No surrogates: they are no UTF-8.
NAMES = st.text(st.characters(codec="utf-8"), max_size=200)


@given(st.integers(0, 255), NAMES, NAMES, st.binary(min_size=1))
def test_request_is_read_as_it_was_packed(
    flags: int, service: str, method: str, arguments: bytes
) -> None:
    payload = pack_request(flags, service, method, arguments)

    assert read_request(payload) == (flags, service, method, arguments)


def test_request_has_the_documented_bytes() -> None:
    payload = pack_request(ACTIVATE, "a.B", "m", b"\x80")

    assert payload.hex() == "0100030001612e426d80"


@given(st.binary(max_size=64))
def test_garbage_is_read_or_refused_and_nothing_else(payload: bytes) -> None:
    try:
        flags, service, method, arguments = read_request(payload)
    except ProtocolError:
        return
    assert arguments
    assert pack_request(flags, service, method, arguments) == payload


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00\x00\x03",
        b"\x00\x00\x01\x00\x01ab",  # no arguments
        b"\x00\xff\xff\x00\x01ab",  # longer than the message
        b"\x00\x00\x01\x00\x00\xff\x80",  # no UTF-8
    ],
)
def test_request_that_is_none_is_a_protocol_error(payload: bytes) -> None:
    with pytest.raises(ProtocolError, match="a call of a service"):
        read_request(payload)


def test_name_that_is_too_long_is_refused_at_the_sender_and_at_the_receiver() -> None:
    long = "x" * (NAME_LIMIT + 1)
    with pytest.raises(ValueNotSupported, match="1024 bytes"):
        pack_request(0, long, "m", b"\x80")

    forged = b"\x00" + len(long).to_bytes(2, "big") + b"\x00\x01" + long.encode() + b"m\x80"
    with pytest.raises(ProtocolError):
        read_request(forged)


def test_cancel_names_a_handle() -> None:
    assert read_cancel(pack_cancel(0xFFFF_FFFF)) == 0xFFFF_FFFF
    assert read_cancel(b"\x00\x01") == 0
