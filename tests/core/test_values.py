"""remotesvc.core.values: golden bytes, round trips, and what is refused at either end."""

import collections
import dataclasses
import datetime
import decimal
import enum
import pathlib
import threading
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, NamedTuple

import msgpack
import pytest

from remotesvc import ProtocolError, Secret, ValueNotSupported
from remotesvc.core import values
from remotesvc.core.budget import NUMBER_COST
from remotesvc.core.extensions import DICT, FROZENSET, SET, TUPLE
from tests.core.value_shapes import Live, shape

UTC = datetime.timezone.utc
EAST = datetime.timezone(datetime.timedelta(hours=2), "EET")

CORE: list[Any] = [None, True, -5, 300, 1 << 63, -(1 << 63), 0.25, "é" * 300, b"x" * 70000]

GOLDEN: list[tuple[Any, str]] = [
    (None, "c0"),
    (False, "c2"),
    (True, "c3"),
    (0, "00"),
    (127, "7f"),
    (-1, "ff"),
    (-32, "e0"),
    (128, "cc80"),
    (255, "ccff"),
    (256, "cd0100"),
    (65536, "ce00010000"),
    (1 << 32, "cf0000000100000000"),
    ((1 << 64) - 1, "cfffffffffffffffff"),
    (-33, "d0df"),
    (-129, "d1ff7f"),
    (-32769, "d2ffff7fff"),
    (-(1 << 31) - 1, "d3ffffffff7fffffff"),
    (-(1 << 63), "d38000000000000000"),
    (1 << 64, "c70b06c409010000000000000000"),
    (-(1 << 63) - 1, "c70b06c409ff7fffffffffffffff"),
    (1.5, "cb3ff8000000000000"),
    (-0.0, "cb8000000000000000"),
    (float("inf"), "cb7ff0000000000000"),
    ("", "a0"),
    ("aé", "a361c3a9"),
    ("\udcff", "a3edb3bf"),
    (b"", "c400"),
    (b"\0\xff", "c40200ff"),
    ([], "90"),
    ([1, [2]], "92019102"),
    ({}, "80"),
    ({"a": 1}, "81a16101"),
    ((), "c7010190"),
    ((1, "b"), "c704019201a162"),
    ([(1, 2), (3,)], "c7060292920102" + "9103"),
    ({1: 2}, "c703039201" + "02"),
    ({b"k": None}, "c7050392c4016bc0"),
    ({7}, "c702049107"),
    (frozenset(), "c7010590"),
    (complex(1, -2), "c7130792cb3ff0000000000000cbc000000000000000"),
    (bytearray(b"z"), "c70308c4017a"),
    (Secret("pw"), "c70309a27077"),
    (datetime.datetime(2024, 2, 29, 1, 2, 3, 4), "c70d0a9acd07e8021d0102030400c0c0"),
    (datetime.datetime(1, 1, 1, tzinfo=UTC), "c70e0a9a010101000000000000a3555443"),
    (datetime.date(2024, 2, 29), "c7060b93cd07e8021d"),
    (datetime.time(23, 59, fold=1), "c7080c97173b000001c0c0"),
    (datetime.timedelta(days=-1, microseconds=5), "c7040d93ff0005"),
    (decimal.Decimal("-1.50"), "c7060ea52d312e3530"),
    (pathlib.PurePosixPath("/etc/x"), "c7070fa62f6574632f78"),
    (uuid.UUID(int=1), "c71210c410" + "00" * 15 + "01"),
]


@pytest.mark.parametrize(("value", "golden"), GOLDEN, ids=lambda drawn: repr(drawn)[:30])
def test_value_travels_as_these_bytes_and_back(value: Any, golden: str) -> None:
    assert values.encode(value).hex() == golden
    assert shape(values.decode(bytes.fromhex(golden))) == shape(value)


@pytest.mark.parametrize("size", [0, 15, 16, 31, 32, 255, 256, 65535, 65536])
@pytest.mark.parametrize("make", [
    lambda size: "x" * size,
    lambda size: b"x" * size,
    lambda size: [None] * size,
    lambda size: {str(number): number for number in range(size)},
    lambda size: tuple(range(size)),
    lambda size: bytearray(size),
])  # fmt: skip
def test_every_form_of_size_travels(make: Callable[[int], Any], size: int) -> None:
    value = make(size)

    assert values.decode(values.encode(value)) == value


def test_nan_travels() -> None:
    assert shape(values.decode(values.encode(float("nan")))) == ["float", "nan"]


def test_core_types_are_what_the_reference_library_reads() -> None:
    value = [*CORE, {"k": [{}]}]

    assert msgpack.unpackb(values.encode(value)) == value


def test_core_types_of_the_reference_library_are_understood() -> None:
    value = [*CORE, {b"k": [{}]}]

    assert values.decode(msgpack.packb(value)) == value
    assert values.decode(msgpack.packb(0.25, use_single_float=True)) == 0.25


def test_shared_reference_arrives_as_two_equal_values() -> None:
    row = [1]

    first, second = values.decode(values.encode([row, row]))

    assert first == second == row
    assert first is not second


class Point(NamedTuple):
    x: int
    y: int


class Level(enum.IntEnum):
    HIGH = 3


class Color(str, enum.Enum):
    RED = "red"


class Loud(Secret):
    pass


class Sneaky(list[int]):
    def __len__(self) -> int:
        return 99


@pytest.mark.parametrize(("value", "plain"), [
    (Point(1, 2), (1, 2)),
    ([Point(1, 2), Point(3, 4)], [(1, 2), (3, 4)]),
    (Level.HIGH, 3),
    (Color.RED, "red"),
    ({Color.RED: Level.HIGH}, {"red": 3}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.defaultdict(list, a=[1]), {"a": [1]}),
    (collections.Counter("aab"), {"a": 2, "b": 1}),
    (Loud("pw"), Secret("pw")),
    (Sneaky([1, 2]), [1, 2]),
    (pathlib.Path("/tmp"), pathlib.PurePosixPath("/tmp")),
])  # fmt: skip
def test_subclass_travels_as_its_base(value: Any, plain: Any) -> None:
    assert shape(values.decode(values.encode(value))) == shape(plain)


def test_named_zone_arrives_as_its_offset_with_the_name() -> None:
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    sent = datetime.datetime(2024, 10, 27, 2, 30, tzinfo=berlin, fold=1)

    arrived = values.decode(values.encode(sent))

    assert arrived.utcoffset() == datetime.timedelta(hours=1)
    assert arrived.tzname() == "Europe/Berlin"
    assert arrived.fold == 1
    assert type(arrived.tzinfo) is datetime.timezone


def test_unnamed_and_utc_zones_arrive_the_same() -> None:
    offset = datetime.timezone(datetime.timedelta(minutes=-90))
    utc, unnamed, named = values.decode(values.encode([
        datetime.datetime(2024, 1, 1, tzinfo=UTC),
        datetime.datetime(2024, 1, 1, tzinfo=offset),
        datetime.time(1, tzinfo=EAST),
    ]))  # fmt: skip

    assert utc.tzinfo is UTC
    assert repr(unnamed.tzinfo) == repr(offset)
    assert repr(named.tzinfo) == repr(EAST)


def test_time_in_a_zone_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueNotSupported, match=r"^value\[0\]: its zone has no offset"):
        values.encode([datetime.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))])


# ---- references ----


def test_reference_goes_through_resolve() -> None:
    data = values.encode([Live(values.CONTEXT, (7, "web1")), Live(values.SENDER, ((1, 2),))])

    arrived = values.decode(data, Live)

    assert [shape(live) for live in arrived] == [
        ["Live", values.CONTEXT, shape((7, "web1"))],
        ["Live", values.SENDER, shape(((1, 2),))],
    ]


def test_reference_without_resolve_is_refused() -> None:
    data = values.encode(Live(values.REMOTE_ERROR, ()))

    with pytest.raises(ProtocolError, match="reference"):
        values.decode(data)


def test_error_of_resolve_comes_out_as_protocol_error() -> None:
    def resolve(code: int, fields: tuple[Any, ...]) -> Any:
        raise KeyError(fields)

    with pytest.raises(ProtocolError) as caught:
        values.decode(values.encode(Live(values.CONTEXT, (1,))), resolve)

    assert isinstance(caught.value.__cause__, KeyError)


# ---- what the encoder refuses ----


@dataclasses.dataclass
class Report:
    lines: int


class Stubborn(dict[str, int]):
    def __iter__(self) -> Any:
        raise OSError("not now")

    keys = __iter__


def test_unsupported_value_is_refused_with_its_path() -> None:
    with pytest.raises(ValueNotSupported) as caught:
        values.encode({"x": [1, (2, threading.Event())]}, "result")

    assert str(caught.value).startswith("result['x'][1][1]: threading.Event cannot travel; ")


@pytest.mark.parametrize(("value", "path"), [
    (object(), "args"),
    ([(1,), (object(),)], "args[1][0]"),
    ({(1, object()): 2}, "args key (1, <object object at"),
    (frozenset([object()]), "args member"),
    ({1: {"k": object()}}, "args[1]['k']"),
    ({Secret("pw"): object()}, "args[Secret('********')]"),
])  # fmt: skip
def test_path_leads_through_every_container(value: Any, path: str) -> None:
    with pytest.raises(ValueNotSupported) as caught:
        values.encode(value, "args")

    assert str(caught.value).startswith(path)
    assert "builtins.object cannot travel" in str(caught.value)


def test_dataclass_is_refused_with_the_way_out() -> None:
    with pytest.raises(
        ValueNotSupported, match=r"result\[0\]: .*Report cannot .* dataclasses\.asdict"
    ):
        values.encode([Report(1)], "result")


@pytest.mark.parametrize("value", [pathlib.PureWindowsPath("c:\\x"), Report, len, ValueError("x")])
def test_other_types_are_refused(value: Any) -> None:
    with pytest.raises(ValueNotSupported, match="cannot travel"):
        values.encode(value)


def test_value_that_raises_while_it_is_read_is_refused() -> None:
    with pytest.raises(ValueNotSupported, match=r"^result: cannot be read: OSError\('not now'\)"):
        values.encode([Stubborn(a=1)], "result")


def test_value_that_contains_itself_is_refused_with_its_path() -> None:
    endless: list[Any] = []
    endless.append({"next": endless})

    with pytest.raises(ValueNotSupported, match=r"^value\[0\]\['next'\]\[0\].*\.\.\.: .* itself"):
        values.encode(endless)


# ---- limits, at both ends ----


def nest(depth: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = wrap(None)
    for _ in range(depth - 1):
        value = wrap(value)
    return value


WRAPPERS: list[Callable[[Any], Any]] = [
    lambda value: [value],
    lambda value: {"k": value},
    lambda value: (value,),
    lambda value: {0: value},
    lambda value: frozenset([value]),
]
WIRE_WRAPPERS: list[Callable[[bytes], bytes]] = [
    lambda raw: b"\x91" + raw,
    lambda raw: b"\x81\xa0" + raw,
    lambda raw: b"\xc9" + (len(raw) + 1).to_bytes(4, "big") + bytes((TUPLE, 0x91)) + raw,
    lambda raw: b"\xc9" + (len(raw) + 2).to_bytes(4, "big") + bytes((DICT, 0x92, 0)) + raw,
    lambda raw: b"\xc9" + (len(raw) + 1).to_bytes(4, "big") + bytes((FROZENSET, 0x91)) + raw,
]


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_value_of_the_greatest_depth_travels(wrap: Callable[[Any], Any]) -> None:
    value = nest(values.MAX_DEPTH, wrap)

    assert values.decode(values.encode(value)) == value


@pytest.mark.parametrize("wrap", WRAPPERS)
def test_deeper_value_is_refused_where_it_is_made(wrap: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueNotSupported, match="over 64 deep"):
        values.encode(nest(values.MAX_DEPTH + 1, wrap))


@pytest.mark.parametrize("depth", [65, 20_000])
@pytest.mark.parametrize("wrap", WIRE_WRAPPERS)
def test_deeper_bytes_are_refused(wrap: Callable[[bytes], bytes], depth: int) -> None:
    raw = b"\xc0"
    for _ in range(min(depth, 2_000)):  # building 20,000 nested sizes is quadratic
        raw = wrap(raw)
    raw = b"\x91" * (depth - min(depth, 2_000)) + raw

    with pytest.raises(ProtocolError, match="deep"):
        values.decode(raw)


def test_deep_value_needs_no_more_than_a_small_stack() -> None:
    value = nest(values.MAX_DEPTH, lambda inner: ([inner],)[0])
    arrived = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(
            target=lambda: arrived.append(values.decode(values.encode(value)))
        )
        thread.start()
        thread.join(60)
    finally:
        threading.stack_size(before)

    assert arrived == [value]


def test_too_many_elements_are_refused_at_both_ends() -> None:
    value = [[None] * (values.MAX_ELEMENTS // 2) for _ in range(2)]
    half = b"\xdd" + (values.MAX_ELEMENTS // 2).to_bytes(4, "big")
    half += b"\xc0" * (values.MAX_ELEMENTS // 2)

    with pytest.raises(ValueNotSupported, match=r"^value\[1\]: has over 4194304 elements"):
        values.encode(value)
    with pytest.raises(ProtocolError, match="4194304 elements"):
        values.decode(b"\x92" + half + half)
    assert len(values.decode(half)) == values.MAX_ELEMENTS // 2


@pytest.mark.parametrize(
    "claim", ["ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "c9ffffffff01"]
)
def test_size_that_is_only_claimed_allocates_nothing(claim: str) -> None:
    with pytest.raises(ProtocolError, match="ends early"):
        values.decode(bytes.fromhex(claim) + b"\xc0" * 100)


def test_big_integer_has_a_limit_at_both_ends() -> None:
    greatest = (1 << (8 * values.MAX_SCALAR_BYTES - 1)) - 1
    data = values.encode(greatest)
    assert values.decode(data) == greatest
    assert values.decode(values.encode(-greatest - 1)) == -greatest - 1

    longer = values.encode(bytearray(values.MAX_SCALAR_BYTES + 1))
    with pytest.raises(ValueNotSupported, match="longer than 65536 bytes"):
        values.encode(greatest + 1)
    with pytest.raises(ProtocolError, match="longer than 65536 bytes"):
        values.decode(longer.replace(b"\x08\xc6", b"\x06\xc6", 1))


@pytest.mark.parametrize("make", [decimal.Decimal, pathlib.PurePosixPath])
def test_long_decimal_and_path_are_refused(make: Callable[[str], Any]) -> None:
    assert values.decode(values.encode(make("1" * 65536))) == make("1" * 65536)

    with pytest.raises(ValueNotSupported, match="longer than"):
        values.encode(make("1" * 65537))


def colliding_integers(count: int) -> list[int]:
    """Return integers of one hash: Python reduces them modulo 2**61 - 1."""
    return [((1 << 61) - 1) * ((1 << 10) + step) for step in range(count)]


@pytest.mark.parametrize("code", [SET, FROZENSET, DICT])
def test_colliding_keys_are_refused_before_one_is_hashed(code: int) -> None:
    class Touchy:
        def __hash__(self) -> int:
            raise AssertionError("was hashed")

    keys: list[Any] = colliding_integers(20_000)
    assert len({hash(key) for key in keys}) == 1
    references = [Live(values.CONTEXT, ()) for _ in range(values.MAX_KEYS + 2)]
    keyed = values.encode(references)
    head = b"\xc9" + len(keyed).to_bytes(4, "big") + bytes((code,))
    numbers = values.encode(keys)

    with pytest.raises(ProtocolError, match="too many keys"):
        values.decode(b"\xc9" + len(numbers).to_bytes(4, "big") + bytes((code,)) + numbers)
    if code != DICT:  # half of a dict's fields are values
        with pytest.raises(ProtocolError, match="too many keys"):
            values.decode(head + keyed, lambda code, fields: Touchy())


def test_risky_keys_are_counted_over_the_whole_message() -> None:
    keys = [(number,) for number in range(values.MAX_KEYS)]
    assert values.decode(values.encode([set(keys)])) == [set(keys)]

    with pytest.raises(ValueNotSupported, match=r"value\[1\]: has too many keys"):
        values.encode([set(keys), {("one", "more"): 1}])


def test_few_keys_of_great_length_are_refused() -> None:
    long_keys = {tuple(range(values.MAX_KEY_BYTES // 16)): 1, tuple(range(20_000)): 2}

    with pytest.raises(ValueNotSupported, match="too many keys"):
        values.encode(long_keys)


def test_text_as_keys_has_no_such_limit() -> None:
    value = [{str(number): 1 for number in range(50_000)}, {"a", b"b"}]

    assert values.decode(values.encode(value)) == value


def test_numbers_as_keys_are_counted_because_they_can_be_chosen_to_collide() -> None:
    fitting = values.MAX_KEY_BYTES // NUMBER_COST
    half = fitting // 2
    value = [set(range(half)), {number / 7: "x" for number in range(fitting - half)}]
    assert values.decode(values.encode(value)) == value

    with pytest.raises(ValueNotSupported, match=r"value: has too many keys .* in a list"):
        values.encode(dict.fromkeys(range(fitting + 1)))


def test_unordered_numbers_that_are_not_a_number_count() -> None:
    with pytest.raises(ValueNotSupported, match="too many keys"):
        values.encode({float("nan") for _ in range(values.MAX_KEYS + 1)})


# ---- what the decoder refuses ----


def extension(code: int, payload: str) -> str:
    return f"c7{len(payload) // 2:02x}{code:02x}{payload}"


MALFORMED = {
    "nothing": ("", "ends early"),
    "trailing byte": ("c0c0", "ends at byte 1 instead of 2"),
    "byte that begins nothing": ("c1", "KeyError: 193"),
    "cut array": ("9201", "ends early"),
    "cut text": ("a36161", "ends at byte 4 instead of 3"),
    "cut number": ("cd01", "ends early"),
    "cut size": ("da00", "ends early"),
    "cut bytes": ("c402ff", "ends early"),
    "not UTF-8": ("a1ff", "can't decode byte 0xff"),
    "array as key of a map": ("8190c0", "neither text nor bytes"),
    "number as key of a map": ("8101c0", "neither text nor bytes"),
    "extension as key of a map": ("81" + extension(1, "90") + "c0", "neither text nor bytes"),
    "unknown extension": ("d41100", "extension 17 is unknown"),
    "timestamp": ("d6ff00000000", "ends at byte 3 instead of 6"),
    "cut extension": ("c70201a0", "ends early"),
    "extension without payload": ("c70001", "ends early"),
    "extension with two values": (extension(1, "9090"), "ends at byte 4 instead of 5"),
    "extension that ends late": ("92c7010191c0c0", "ends at byte 6 instead of 5"),
    "extension in an extension": (extension(1, extension(2, "90")), "the payload of another"),
    "tuple of a text": (extension(1, "a161"), "extension 1 holds a str"),
    "rows that are numbers": (extension(2, "9101"), "a row is not an array"),
    "rows that are texts": (extension(2, "91a161"), "a row is not an array"),
    "rows that are tuples": (extension(2, "91" + extension(1, "9101")), "a row is not an array"),
    "key without value": (extension(3, "93010203"), "a key has no value"),
    "dict with a list as key": (extension(3, "929000"), "unhashable"),
    "set with a list": (extension(4, "9190"), "unhashable"),
    "big integer as text": (extension(6, "a130"), "extension 6 holds a str"),
    "complex of three": (extension(7, "93000000"), "at most 2 arguments"),
    "complex of bytes": (extension(7, "91c40130"), "complex"),
    "bytearray of a text": (extension(8, "a130"), "extension 8 holds a str"),
    "secret of bytes": (extension(9, "c40130"), "extension 9 holds a bytes"),
    "date of one part": (extension(11, "9101"), "not enough values"),
    "date as pickled state": (extension(11, "91c40407e80101"), "not enough values"),
    "date of no calendar": (extension(11, "930d0d0d"), "month must be in"),
    "date of a float": (extension(11, "93cb3ff00000000000000101"), "integer"),
    "datetime cut": (extension(10, "93010101"), "not enough values"),
    "offset of a week": (
        extension(10, "9a0101010000000000cf0000008d00000000a0"),
        "strictly between",
    ),
    "offset without name": (extension(10, "9a010101000000000000c0"), "must be str"),
    "fold of 2": (extension(12, "970000000002c0c0"), "fold"),
    "time of hour 25": (extension(12, "971900000000c0c0"), "hour must be in"),
    "timedelta of text": (extension(13, "93a1780000"), "unsupported type"),
    "timedelta beyond all": (extension(13, "93cf7fffffffffffffff0000"), "OverflowError"),
    "decimal of words": (extension(14, "a3616263"), "ConversionSyntax"),
    "signaling NaN as member": (extension(4, "91" + extension(14, "a4734e614e")), "signaling NaN"),
    "path as bytes": (extension(15, "c40161"), "extension 15 holds a bytes"),
    "short uuid": (extension(16, "c4020000"), "16-char"),
    "reference of a text": (extension(32, "a161"), "does not belong here"),
}


@pytest.mark.parametrize(("raw", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_bytes_are_refused(raw: str, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        values.decode(bytes.fromhex(raw), Live)


def test_rows_stay_what_they_were_in_any_nesting() -> None:
    value = [((1,), (2,)), [(1,)], ([(1,)],), [[(1,), ((2,),)]], [([1],), ([],)]]

    assert shape(values.decode(values.encode(value))) == shape(value)
