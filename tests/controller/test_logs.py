"""What arrives as a log record: what is taken of it, what is not, and which handlers see it."""

import contextlib
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remotesvc.controller import logs
from remotesvc.controller.inbox import WINDOW
from remotesvc.controller.logs import FIELDS_LIMIT, FIELDS_SIZE, TEXT_LIMIT, Logs, logger_name
from remotesvc.core.authority import LOG
from remotesvc.core.credit import GRANT
from remotesvc.core.dead import exhume
from remotesvc.core.errors import ProtocolError
from remotesvc.core.switch import Switch
from remotesvc.core.values import encode
from remotesvc.core.visible import visible
from remotesvc.core.wire import DEAD, PLAIN, RAW
from tests.core.ends import Neighbour, message

DEADLINE = 30.0

CREDIT_TO = 400

# An integer that `str` refuses.
LONG = 1 << 15_000


class House(logging.Handler):
    """A controller with context 5, named web5, and a handler of the logger of all hosts."""

    def __init__(self, are_prints_shown: bool = True) -> None:
        super().__init__()
        self.seen: list[logging.LogRecord] = []
        self.reports: list[str] = []
        self.switch = Switch(0, (), 1 << 20, False, self.reports.append)
        self.logs = Logs(self.switch, lambda src: f"web{src}", are_prints_shown)
        self.switch.serve(LOG, self.logs.receive)
        self.switch.observe(self.logs.lose)
        self.child = Neighbour(self.switch, 5)

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)

    def tell(self, *records: object, encoding: int = PLAIN) -> list[logging.LogRecord]:
        """Have the child send records; return those that appeared here."""
        self.say(encode(list(records)), encoding)
        self.logs.settle(5)
        seen, self.seen = self.seen, []
        return seen

    def say(self, payload: bytes, encoding: int = PLAIN) -> None:
        told = message(payload, dst=0, src=5, handle=LOG, reply_to=CREDIT_TO, encoding=encoding)
        self.child.say(told)


@pytest.fixture
def house(no_leaks: None) -> Iterator[House]:
    house, logger = House(), logging.getLogger("remotesvc.host")
    logger.addHandler(house)
    logger.setLevel(1)
    yield house
    logger.removeHandler(house)
    logger.setLevel(logging.NOTSET)
    house.logs.close(DEADLINE)


def record(text: Any = "text", **changes: Any) -> list[Any]:
    """Return a record as it is on the wire."""
    fields = {
        "logger": "app",
        "level": 20,
        "text": text,
        "trace": None,
        "created": 1.0,
        "thread": "main",
        "extra": {},
        "printed": False,
    }
    return list({**fields, **changes}.values())


def test_record_belongs_to_the_logger_of_its_host_and_says_what_it_was(house: House) -> None:
    (seen,) = house.tell(record("100% of %s", extra={"user": "joe"}))
    assert (seen.name, seen.levelno, seen.msg) == ("remotesvc.host.web5", 20, "%s")
    assert seen.getMessage() == "100% of %s"
    assert seen.__dict__["remote"] == {
        "logger": "app",
        "thread": "main",
        "created": 1.0,
        "printed": False,
        "extra": {"user": "joe"},
    }


def test_one_host_is_one_logger() -> None:
    names = [logger_name(name) for name in ("a", "a.b", "a.b.c", "a\nb")]
    assert names == [
        f"remotesvc.host.{name}" for name in ("a", r"a\x2eb", r"a\x2eb\x2ec", r"a\x0ab")
    ]


@pytest.mark.parametrize(("told", "level"), [(0, 1), (-5, 1), (25, 25), (50, 50), (10**30, 50)])
def test_level_is_clamped(house: House, told: int, level: int) -> None:
    assert [one.levelno for one in house.tell(record(level=told))] == [level]


@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_level_of_the_logger_here_counts(house: House, level: int) -> None:
    logging.getLogger("remotesvc.host").setLevel(level)
    assert house.logs.level_of(5) == level
    seen = house.tell(record(level=20), record(level=40))
    assert [one.levelno for one in seen] == [number for number in (20, 40) if number >= level]


def test_fields_are_few_small_and_harmless(house: House) -> None:
    (many,) = house.tell(record(extra={f"f{number}": number for number in range(1000)}))
    assert len(many.__dict__["remote"]["extra"]) == FIELDS_LIMIT
    (large,) = house.tell(record(extra={f"f{n}": "\x1b" * 500 for n in range(100)}))
    assert len(repr(large.__dict__["remote"]["extra"])) < 2 * FIELDS_SIZE
    assert repr(large.__dict__["remote"]).isprintable()
    values = {"int": 2**5000, "bytes": b"x", "list": ["\n", {"\x1b": 1}], "float": 0.5}
    (odd,) = house.tell(record(extra=values))
    assert odd.__dict__["remote"]["extra"] == {
        "int": "(int)",
        "bytes": "(bytes)",
        "list": ["\\x0a", {"\\x1b": 1}],
        "float": 0.5,
    }


def test_long_texts_are_cut_here_too(house: House) -> None:
    (seen,) = house.tell(record("x" * 60_000, trace="y" * 60_000, logger="z" * 60_000))
    assert len(seen.getMessage()) < 40_000
    assert len(seen.__dict__["remote"]["logger"]) <= 256


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        {},
        record()[:7],
        [*record(), 1],
        tuple(record()),
        record(level=True),
        record(level="20"),
        record(level=None),
        record(text=b"bytes"),
        record(trace=5),
        record(extra=[]),
        record(extra={"a": [{"b": ({b"c": 1},)}]}),
        record(created=1),
        record(printed=0),
    ],
)
def test_record_of_another_form_is_refused_and_told_so_once(house: House, wrong: object) -> None:
    assert [one.getMessage() for one in house.tell(record("before"), wrong)] == ["before"]
    house.tell(wrong)
    answers = [one for one in house.child.hear() if one.handle == CREDIT_TO]
    assert all(isinstance(exhume(one.payload), ProtocolError) for one in answers)
    assert len(answers) == 2 and len(house.reports) == 1
    assert [one.getMessage() for one in house.tell(record("after"))] == ["after"]


@pytest.mark.parametrize(
    "extra",
    [
        {1: 1},
        {LONG: 1},
        {"a": {LONG: 1}},
        {"a": {0.5}},
        {**{f"f{number}": 0 for number in range(100)}, "last": {LONG: 1}},
    ],
)
def test_message_with_a_key_that_is_no_text_is_not_even_decoded(
    house: House, extra: dict[str, object]
) -> None:
    assert house.tell(record("before"), record(extra=extra)) == []
    assert len(house.reports) == 1 and "too many keys" in house.reports[0]
    assert [one.getMessage() for one in house.tell(record("after"))] == ["after"]


# Not as a constant: strategies tell of those by repr().
keys = st.text() | st.integers() | st.binary() | st.integers(1, 2).map(lambda times: times * LONG)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=plain, key=keys, place=st.none() | st.integers(0, 7))
def test_nothing_that_a_record_holds_is_taken_for_a_fault_of_a_handler(
    house: House, value: object, key: object, place: int | None
) -> None:
    told = record(extra={"a": value, "b": {key: value}})
    if place is not None:
        told[place] = value
    shown: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "excepthook", lambda *error: shown.append(error))
        seen = house.tell(told, record("after"))
    answers = [one for one in house.child.hear() if one.encoding == DEAD]
    assert shown == []
    assert len(seen) == (0 if answers else 2)
    assert all(repr(one.__dict__["remote"]).isprintable() for one in seen)


def test_text_is_cut_before_it_is_made_visible(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    escaped: list[int] = []

    def note(text: str, is_one_line: bool = True) -> str:
        escaped.append(len(text))
        return visible(text, is_one_line)

    monkeypatch.setattr(logs, "visible", note)
    poison = "\x01" * 200_000
    for told in (
        record(poison),
        record(trace=poison),
        record(logger=poison),
        record(thread=poison),
        record(extra={"a": poison}),
        record(extra={poison: "a"}),
        record(extra={"a": [poison[:FIELDS_SIZE]] * 48}),
        record(extra={f"f{number}": {"a": poison[:1000]} for number in range(200)}),
    ):
        escaped.clear()
        (seen,) = house.tell(told)
        assert sum(escaped) < TEXT_LIMIT + 2 * FIELDS_SIZE
        remote = seen.__dict__["remote"]
        assert len(remote["logger"]) <= 256 and len(remote["thread"]) <= 256
        assert len(repr(remote["extra"])) < 2 * FIELDS_SIZE


def test_flood_of_records_of_one_host_delays_one_of_another_by_one_turn(house: House) -> None:
    other = Neighbour(house.switch, 6)
    gate, entered = threading.Event(), threading.Event()

    def wait(record: logging.LogRecord) -> bool:
        entered.set()
        return gate.wait(DEADLINE)

    house.addFilter(wait)
    for _ in range(3):
        house.say(encode([record(str(number)) for number in range(1000)]))
    assert entered.wait(DEADLINE)
    payload = encode([record("honest")])
    other.say(message(payload, dst=0, src=6, handle=LOG, reply_to=CREDIT_TO))
    gate.set()
    house.logs.settle(6)
    house.logs.settle(5)
    texts = [one.getMessage() for one in house.seen]
    assert texts.index("honest") <= 1
    texts.remove("honest")
    assert texts == [str(number) for number in range(1000)] * 3


def test_message_in_another_encoding_is_not_looked_at(house: House) -> None:
    assert house.tell(record(), encoding=RAW) == []
    assert len(house.reports) == 1


def test_what_was_handled_is_granted_anew(house: House) -> None:
    payload = encode([record("x" * 15_000)] * 4)
    granted = 0
    for _ in range(4 * WINDOW // len(payload)):
        house.say(payload)
        house.logs.settle(5)
    house.logs.close(DEADLINE)  # the last grant goes out after its records were handled
    granted = sum(GRANT.unpack(one.payload)[0] for one in house.child.hear())
    assert 3 * WINDOW < granted <= 4 * (WINDOW + len(payload))


def test_what_exceeds_credit_is_lost_and_that_is_one_record_even_when_the_host_is_gone(
    house: House,
) -> None:
    gate = threading.Event()
    house.addFilter(lambda record: gate.wait(DEADLINE))
    payload = encode([record("x" * 15_000)] * 4)
    for _ in range(100):
        house.say(payload)
    house.child.hang_up()
    gate.set()
    house.logs.close(DEADLINE)
    texts = [one.getMessage() for one in house.seen]
    lost = [text for text in texts if "lost" in text]
    taken = (len(texts) - 1) // 4
    assert lost == [
        f"{100 - taken} messages with log records lost: this child logged beyond its credit"
    ]
    assert texts[-1] == lost[0]


# -- handlers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_filter_that_raises_is_shown_and_gets_the_next_record(
    house: House, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Any] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: shown.append(error[0]))

    def fail(record: logging.LogRecord) -> bool:
        raise kind

    house.addFilter(fail)
    assert house.tell(record("one"), record("two")) == []
    assert shown == [kind, kind]


@contextlib.contextmanager
def console() -> Iterator[None]:
    """Have a handler write to this program's stderr."""
    handler, logger = logging.StreamHandler(), logging.getLogger("remotesvc.host")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


def test_what_was_printed_over_there_is_not_shown_again_on_the_console(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with console():
        assert len(house.tell(record("one"), record("two", printed=True))) == 2
    assert capsys.readouterr().err == "one\n"


def test_it_is_shown_where_the_prints_went_elsewhere(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    other = House(are_prints_shown=False)
    with console():
        other.tell(record("two", printed=True))
    assert capsys.readouterr().err == "two\n"
    other.logs.close(DEADLINE)


def test_logger_that_is_disabled_or_filters_says_nothing_on_any_way(house: House) -> None:
    logger = logging.getLogger("remotesvc.host.web5")
    logger.addFilter(lambda record: "secret" not in record.getMessage())
    try:
        for is_printed in (False, True):
            seen = house.tell(record("secret", printed=is_printed), record(printed=is_printed))
            assert [one.getMessage() for one in seen] == ["text"]
        logger.disabled = True
        assert house.tell(record(), record(printed=True)) == []
    finally:
        logger.disabled = False
        logger.filters.clear()
