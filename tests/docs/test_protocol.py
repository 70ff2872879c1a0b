"""docs/protocol.md and the code say the same: its examples and tables, one by one."""

import ast
import datetime
import decimal
import importlib
import pathlib
import re
import uuid
import zlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from remotesvc import Secret
from remotesvc.bootstrap.info import Info
from remotesvc.bootstrap.settings import MARKER, Settings
from remotesvc.channel import frames
from remotesvc.channel.frames import END, VALUE
from remotesvc.channel.frames import cut as cut_value
from remotesvc.connect.order import Order
from remotesvc.controller.decoder import decode as fast_decode
from remotesvc.core import authority, dead, extensions, finder, wire
from remotesvc.core.authority import (
    ADD_ROUTE,
    ALLOCATE_ID,
    CALL_FUNCTION,
    CALL_SERVICE,
    CONFIGURE,
    DEL_ROUTE,
    GIVE_IDS,
    HANDLES,
    HELLO,
    OPEN_CHILD,
    PING,
    STDIO,
)
from remotesvc.core.capture import capture
from remotesvc.core.credit import GRANT
from remotesvc.core.dead import bury
from remotesvc.core.errors import RemoteError
from remotesvc.core.fetch import pack_records
from remotesvc.core.rebuild import rebuild
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, FRAME_LIMIT, HEADER, PLAIN, RAW, Message, encode_frame
from remotesvc.service.offers import NUMBER
from remotesvc.service.request import ACTIVATE, NAME_LIMIT, pack_cancel, pack_request, read_request
from tests.core.ends import cut, decode_all, fields
from tests.core.value_shapes import Live, shape

TEXT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text("utf-8")

NONCE = bytes(range(16))
SETTINGS = (
    NONCE,
    5,
    (0,),
    128 * 1024 * 1024,
    False,
    256 * 1024,
    15,
    3,
    5,
    30,
    {"LANG": "C"},
    None,
)
FACTS = (1, (3, 9, 2), "/usr/bin/python3", 4711, "web1", "Linux-6.1.0-x86_64", 1000)
CALL = Message(5, 0, 0, CALL_FUNCTION, 256, PLAIN, encode(["os", "getpid", [], {}]))
ORDER = Order(
    9, "remotesvc.connect.local", "probe", "a/local", 30.0, 0.0, {}, {"LANG": "C"}, None, 30
)
REQUEST = pack_request(ACTIVATE, "app.Disk", "free", encode({"path": "/"}))
FRAGMENTS = [piece for piece, _ in cut(Message(5, 0, 0, 4, 256, PLAIN, bytes(300_000)), 1)]


def sent(kind: int, value: object) -> bytes:
    """Return a frame of a Sender to handle 300 of context 5."""
    (frame,) = cut_value(NONCE, kind, encode(value))
    return encode_frame(Message(5, 0, 0, 300, 256, RAW, frame))


# What each example of the page stands for.
EXAMPLES: dict[str, bytes] = {
    "ping": encode_frame(Message(5, 0, 0, PING, 0, RAW, b"")),
    "call": encode_frame(CALL),
    "reply": encode_frame(Message(0, 5, 5, 256, 0, PLAIN, encode(4711))),
    "first-fragment": encode_frame(FRAGMENTS[0])[: HEADER.size + 8],
    "last-fragment": encode_frame(FRAGMENTS[1])[: HEADER.size + 8],
    "configure": encode_frame(
        Message(5, 0, 0, CONFIGURE, 0, PLAIN, encode(Settings(*SETTINGS).plain()))
    ),
    "marker": MARKER + NONCE,
    "hello": encode_frame(Message(0, 5, 5, HELLO, 0, PLAIN, encode(FACTS))),
    "stdio": encode_frame(Message(0, 5, 5, STDIO, 256, RAW, b"\x01hi\n")),
    "credit": encode_frame(Message(5, 0, 0, 256, 0, RAW, GRANT.pack(131072))),
    "sender-value": sent(VALUE, "hi"),
    "sender-end": sent(END, None),
    "service-call": encode_frame(Message(5, 0, 0, CALL_SERVICE, 256, PLAIN, REQUEST)),
    "service-stream": encode_frame(Message(0, 5, 5, 256, 0, RAW, NUMBER.pack(1))),
    "service-cancel": encode_frame(Message(5, 0, 0, CALL_SERVICE, 0, RAW, pack_cancel(256))),
    "dead": encode_frame(Message(0, 5, 5, 256, 0, DEAD, bury("refused", "no"))),
    "open-child": encode_frame(Message(5, 0, 0, OPEN_CHILD, 256, PLAIN, ORDER.pack())),
    "allocate-id": encode_frame(Message(0, 5, 5, ALLOCATE_ID, 256, RAW, b"")),
    "give-ids": encode_frame(Message(5, 0, 0, GIVE_IDS, 0, PLAIN, encode((9, 73, 6, False)))),
    "add-route": encode_frame(Message(0, 5, 5, ADD_ROUTE, 0, PLAIN, encode(9))),
    "del-route": encode_frame(Message(0, 5, 5, DEL_ROUTE, 0, PLAIN, encode(([9], "cut")))),
}


def blocks(language: str) -> dict[str, str]:
    """Return name and text of the blocks in a language."""
    pattern = rf"^```{language} ?(\S*)\n(.*?)^```"
    return dict(re.findall(pattern, TEXT, re.MULTILINE | re.DOTALL))


def hex_of(block: str) -> bytes:
    """Return the bytes of an example: what stands before two spaces in each line."""
    return b"".join(bytes.fromhex(line.split("  ")[0]) for line in block.splitlines())


def table(first_column: str) -> list[list[str]]:
    """Return the rows of the tables whose head begins with that column, cell by cell."""
    rows: list[list[str]] = []
    for head, body in re.findall(r"^\|(.*)\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", TEXT, re.MULTILINE):
        if head.split("|")[0].strip() == first_column:
            rows += [[cell.strip() for cell in line[1:-2].split(" | ")] for line in lines(body)]
    return rows


def lines(body: str) -> list[str]:
    return [line + " " for line in body.splitlines()]


def section(title: str) -> str:
    """Return the text from one heading to the next."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {title!r}"
    return found[1]


def names_in(text: str) -> list[str]:
    """Return the first cells of the rows of a table of fields."""
    return re.findall(r"^\| ([a-z_ ]+?) \| \w+ \|", text, re.MULTILINE)[1:]


# -- frames --------------------------------------------------------------------------------------


def test_every_example_is_known_to_this_test() -> None:
    assert set(blocks("hex")) == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_what_the_code_makes(name: str) -> None:
    assert hex_of(blocks("hex")[name]).hex(" ") == EXAMPLES[name].hex(" ")


@pytest.mark.parametrize("step", [None, 1])
def test_examples_decode_to_what_they_stand_for(step: int | None) -> None:
    stream = b"".join(hex_of(blocks("hex")[name]) for name in ("call", "dead", "ping"))
    assert [fields(one) for one in decode_all(stream, step)] == [
        fields(CALL),
        (0, 5, 5, 256, 0, DEAD, bury("refused", "no")),
        (5, 0, 0, PING, 0, RAW, b""),
    ]


def test_header_table_is_the_header() -> None:
    rows = table("offset")
    assert [int(row[0]) for row in rows] == [0, 2, 3, 4, 8, 12, 16, 20, 24]
    assert sum(int(row[1]) for row in rows) == HEADER.size
    slots = {"dst", "src", "auth", "encoding", "handle", "reply_to"}
    assert slots < {row[2] for row in rows}


def test_table_of_encodings_is_complete() -> None:
    assert {row[0]: int(row[1]) for row in table("encoding")} == {
        name: getattr(wire, name) for name in ("PLAIN", "PICKLE", "RAW", "ERROR", "DEAD")
    }


def test_table_of_kinds_is_that_of_the_code() -> None:
    names = ("VALUE", "BYTES", "END", "VALUES", "GIVEN", "GONE", "ASK")
    kinds = {name: getattr(frames, name) for name in names}
    assert {row[1]: int(row[0]) for row in table("kind")} == kinds


def test_table_of_handles_is_that_of_the_code() -> None:
    rows = table("number")
    assert {int(row[0]): (row[1], row[2]) for row in rows} == HANDLES
    assert f"Handles below {authority.FIRST_DYNAMIC} are reserved" in TEXT


def test_table_of_dead_codes_is_that_of_the_code() -> None:
    assert {row[0]: row[1] for row in table("code")} == {
        code: kind.__name__ for code, kind in dead.CLASSES.items()
    }


def test_fields_of_configure_and_hello_are_in_their_order() -> None:
    text = section("The beginning of a link")
    configure, hello = text.split("**HELLO**")
    assert tuple(names_in(configure)) == Settings.__slots__
    assert tuple(names_in(hello)) == Info.__slots__


def test_call_of_a_service_has_the_fields_of_its_table() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| (?:(\d+) )?\|", section("Services"), re.MULTILINE)
    sizes = [("flags", "1"), ("service size", "2"), ("method size", "2")]
    assert rows == [*sizes, ("service", ""), ("method", ""), ("arguments", "")]
    assert read_request(REQUEST) == (ACTIVATE, "app.Disk", "free", encode({"path": "/"}))
    assert f"at most {NAME_LIMIT:,}" in section("Services")


# -- values --------------------------------------------------------------------------------------

NAMES = {
    "Context": lambda number, name: Live(32, (number, name)),
    "Decimal": decimal.Decimal,
    "PurePosixPath": pathlib.PurePosixPath,
    "Secret": Secret,
    "Sender": lambda *fields: Live(33, fields),
    "UUID": uuid.UUID,
    **{name: getattr(datetime, name) for name in ("date", "datetime", "time", "timedelta")},
    "timezone": datetime.timezone,
}
VALUES = [(row[0].strip("`"), row[1].strip("`")) for row in table("value")]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
@pytest.mark.parametrize("decoder", [decode, fast_decode], ids=["exact", "fast"])
def test_value_has_the_bytes_of_the_table_both_ways(
    expression: str, expected: str, decoder: Callable[..., Any]
) -> None:
    value = eval(expression, dict(NAMES))
    assert encode(value).hex(" ") == expected
    assert shape(decoder(bytes.fromhex(expected), Live)) == shape(value)


def test_table_of_values_has_every_extension() -> None:
    shown = {bytes.fromhex(hexes)[2] for _, hexes in VALUES if hexes.startswith("c7")}
    assert shown == {*range(extensions.TUPLE, extensions.SECRET + 1), *extensions.LIBRARY, 32, 33}
    assert f"Extension {extensions.REMOTE_ERROR} (RemoteError)" in TEXT


# -- exceptions and modules ----------------------------------------------------------------------


def test_record_of_an_exception_is_read_and_written_as_shown() -> None:
    record = ast.literal_eval(blocks("record")[""])
    assert len(names_in(section("Exceptions"))) == len(record)
    assert decode(capture(ValueError("no"))) == record
    error = rebuild(encode(record), "web1")
    assert isinstance(error, RemoteError) and isinstance(error, ValueError)
    assert (str(error), error.args) == ("ValueError: no", ("no",))


def test_module_records_travel_as_described() -> None:
    text = section("Modules")
    assert names_in(text) == ["name", "kind", "file name", "source", "submodules"]
    for kind in (
        *(finder.MODULE, finder.PACKAGE, finder.NAMESPACE),
        *(finder.MISSING, finder.REFUSED),
    ):
        assert f"`{kind}`" in text
    records = [("app", "package", "/srv/app/__init__.py", b"", ("web",))]
    assert zlib.decompress(pack_records(records)) == encode(records)
    assert decode(encode(records)) == records


# -- limits --------------------------------------------------------------------------------------


def module_of(name: str) -> ModuleType:
    for package in ("core", "bootstrap", "channel", "service", "connect"):
        try:
            return importlib.import_module(f"remotesvc.{package}.{name}")
        except ModuleNotFoundError:
            continue
    raise AssertionError(f"no module {name}")


@pytest.mark.parametrize(("name", "value"), [row[:2] for row in table("name")])
def test_limit_has_the_value_of_the_code(name: str, value: str) -> None:
    module, _, constant = name.partition(".")
    assert getattr(module_of(module), constant) == int(value)


def test_text_names_the_limits_of_fragments() -> None:
    assert f"more than {FRAME_LIMIT:,} bytes" in section("Fragments")
    assert f"{FRAME_LIMIT - 8:,} bytes long" in section("Fragments")
