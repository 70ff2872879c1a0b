"""What is sent to whom: pushed ahead of calls, given on request, remembered per context."""

import zlib
from collections.abc import Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from remotesvc.controller.modules.grants import ModulePolicy
from remotesvc.controller.modules.shipment import Shipment
from remotesvc.core.authority import LOAD_MODULE
from remotesvc.core.errors import MessageTooLarge, RefusedError
from remotesvc.core.finder import MISSING, MODULE, NAMESPACE, PACKAGE, REFUSED
from remotesvc.core.switch import Switch
from remotesvc.core.values import decode
from tests.core.ends import Neighbour
from tests.integration.sources import Sources, own_sources

FIRST, SECOND = 1, 2


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    with own_sources(tmp_path / "source") as opened:
        yield opened


class Home:
    """A controller's switch with two children, and a shipment to them."""

    def __init__(self, policy: ModulePolicy | None = None, limit: int = 1 << 20) -> None:
        self.switch = Switch(0, (), limit, False, lambda text: None)
        self.children = {number: Neighbour(self.switch, number) for number in (FIRST, SECOND)}
        self.shipment = Shipment(self.switch, policy)

    def heard(self, context_id: int = FIRST) -> list[list[Any]]:
        """Return the lists of records that a child was sent since the last time."""
        messages = self.children[context_id].hear()
        assert {message.handle for message in messages} <= {LOAD_MODULE}
        return [unpack(message.payload) for message in messages]

    def ask(self, name: str, context_id: int = FIRST) -> list[Any]:
        """Return the records that answer a request."""
        payloads: list[bytes] = []
        self.shipment.answer(context_id, name, payloads.append)
        (payload,) = payloads
        return unpack(payload)


def unpack(payload: bytes) -> list[Any]:
    records = decode(zlib.decompress(payload))
    assert isinstance(records, list)
    return records


def names(records: list[Any]) -> list[str]:
    return [record[0] for record in records]


@pytest.fixture
def home() -> Home:
    return Home()


# -- push ----------------------------------------------------------------------------------------


def test_seed_is_pushed_with_all_that_it_imports(home: Home, sources: Sources) -> None:
    sources.write(
        {
            "app/__init__.py": "",
            "app/one.py": "import space.two\n",
            "app/other.py": "",
            "space/two.py": "X = 'ü'\n",
        }
    )

    home.shipment.push(FIRST, "app.one")

    (records,) = home.heard()
    assert {record[0]: record[1] for record in records} == {
        "app": PACKAGE,
        "app.one": MODULE,
        "space": NAMESPACE,
        "space.two": MODULE,
    }
    by_name = {record[0]: record[2:] for record in records}
    assert by_name["app"] == (sources.path("app/__init__.py"), b"", ("one", "other"))
    assert by_name["space"] == ("", b"", ("two",))
    assert by_name["space.two"] == (sources.path("space/two.py"), "X = 'ü'\n".encode(), None)


def test_nothing_is_sent_twice_to_one_context(home: Home, sources: Sources) -> None:
    sources.write({"a.py": "import b\n", "b.py": "", "c.py": "import b\n"})

    for seed in ("a", "a", "c", "b"):
        home.shipment.push(FIRST, seed)

    assert [names(records) for records in home.heard()] == [["a", "b"], ["c"]]


def test_each_context_gets_its_own(home: Home, sources: Sources) -> None:
    sources.write({"a.py": "import b\n", "b.py": ""})

    home.shipment.push(FIRST, "a")
    home.shipment.push(SECOND, "b")

    assert [names(records) for records in home.heard(FIRST)] == [["a", "b"]]
    assert [names(records) for records in home.heard(SECOND)] == [["b"]]


def test_standard_and_installed_modules_are_left_to_the_host(home: Home, tmp_path: Path) -> None:
    with own_sources(tmp_path / "site-packages") as installed:
        installed.write({"third.py": ""})

        for seed in ("os", "third", "builtins", "no_such_module"):
            home.shipment.push(FIRST, seed)

    assert home.heard() == []


def test_denied_modules_stay_here(sources: Sources) -> None:
    home = Home(ModulePolicy(deny=["app.secrets"]))
    sources.write(
        {"app/__init__.py": "", "app/secrets.py": "", "app/use.py": "import app.secrets\n"}
    )

    home.shipment.push(FIRST, "app.use")

    assert [names(records) for records in home.heard()] == [["app", "app.use"]]


def test_names_that_nobody_has_are_told_once(home: Home, sources: Sources) -> None:
    optional = "try:\n    import nowhere.deep, os, tomllib\nexcept ImportError:\n    pass\n"
    sources.write({"a.py": optional, "b.py": optional})

    home.shipment.push(FIRST, "a")
    home.shipment.push(FIRST, "b")

    told = [{record[0]: record[1] for record in records} for records in home.heard()]
    assert told == [{"a": MODULE, "nowhere": MISSING}, {"b": MODULE}]


def test_name_that_was_missing_is_sent_once_it_is_there(home: Home, sources: Sources) -> None:
    sources.write({"a.py": "try:\n    import late\nexcept ImportError:\n    pass\n"})
    home.shipment.push(FIRST, "a")
    sources.write({"late.py": ""})

    home.shipment.push(FIRST, "late")

    assert [names(records) for records in home.heard()] == [["a", "late"], ["late"]]


def test_changed_file_is_read_again_for_the_next_context(home: Home, sources: Sources) -> None:
    sources.write({"a.py": "X = 1\n"})
    home.shipment.push(FIRST, "a")
    sources.write({"a.py": "import b\n", "b.py": ""})

    home.shipment.push(SECOND, "a")

    assert [names(records) for records in home.heard(SECOND)] == [["a", "b"]]


def test_what_could_not_be_sent_is_not_marked_as_sent(sources: Sources) -> None:
    home = Home(limit=64)
    sources.write({"a.py": f"X = {list(range(100))}\n"})
    with pytest.raises(MessageTooLarge, match=r"modules to send take \d+ bytes, a most of all"):
        home.shipment.push(FIRST, "a")
    home.switch.max_message_size = 1 << 20

    home.shipment.push(FIRST, "a")

    assert [names(records) for records in home.heard()] == [["a"]]


# -- requests ------------------------------------------------------------------------------------


def test_request_is_refused_until_something_of_the_package_was_sent(
    home: Home, sources: Sources
) -> None:
    sources.write({"app/__init__.py": "", "app/one.py": "", "app/two.py": "import app.three\n"})
    sources.write({"app/three.py": ""})
    (refusal,) = home.ask("app.two")
    assert refusal[:3] == ("app.two", REFUSED, "")
    assert "was not granted" in refusal[3]

    home.shipment.push(FIRST, "app.one")

    assert names(home.ask("app.two")) == ["app.two", "app.three"]
    assert home.ask("app.two", SECOND)[0][1] == REFUSED


def test_answer_tells_whether_it_was_a_refusal(home: Home, sources: Sources) -> None:
    sources.write({"app.py": ""})

    assert "not granted" in (home.shipment.answer(FIRST, "app", len) or "")
    home.shipment.push(FIRST, "app")
    assert home.shipment.answer(FIRST, "app", len) is None


def test_what_was_answered_is_not_pushed_again(home: Home, sources: Sources) -> None:
    sources.write({"app/__init__.py": "", "app/one.py": "", "app/two.py": ""})
    home.shipment.push(FIRST, "app.one")
    home.heard()

    home.ask("app.two")
    home.shipment.push(FIRST, "app.two")

    assert home.heard() == []


def test_answer_that_was_not_sent_is_not_marked_as_sent(home: Home, sources: Sources) -> None:
    sources.write({"app/__init__.py": "", "app/one.py": "", "app/two.py": ""})
    home.shipment.push(FIRST, "app.one")
    home.heard()

    def fail(payload: bytes) -> None:
        raise MessageTooLarge("not today")

    with pytest.raises(MessageTooLarge, match=r"app\.two most of all"):
        home.shipment.answer(FIRST, "app.two", fail)
    home.shipment.push(FIRST, "app.two")

    assert [names(records) for records in home.heard()] == [["app.two"]]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("os", MISSING), ("tomllib", MISSING), ("app.none", MISSING), ("app.fast", REFUSED)],
)
def test_what_does_not_travel_is_said_so(
    home: Home, sources: Sources, name: str, kind: str
) -> None:
    sources.write({"app/__init__.py": "", f"app/fast{EXTENSION_SUFFIXES[0]}": b"\x7fELF"})
    home.shipment.push(FIRST, "app")

    (record,) = home.ask(name)

    assert record[:2] == (name, kind)
    assert home.shipment.answer(FIRST, name, len) is None


def test_installed_package_comes_whole_and_grants_what_it_imports(
    home: Home, sources: Sources, tmp_path: Path
) -> None:
    with own_sources(tmp_path / "site-packages") as installed:
        installed.write(
            {
                "third/__init__.py": "from . import core\n",
                "third/core.py": "import fourth\n",
                "third/unused.py": "",
                "fourth.py": "",
            }
        )
        sources.write({"use.py": "import third\n"})
        home.shipment.push(FIRST, "use")
        assert home.ask("fourth")[0][1] == REFUSED

        assert names(home.ask("third")) == ["third", "third.core"]
        assert names(home.ask("fourth")) == ["fourth"]


def test_lost_context_has_no_grants_any_more(home: Home, sources: Sources) -> None:
    sources.write({"app.py": ""})
    home.shipment.push(FIRST, "app")

    home.shipment.forget({FIRST})

    assert home.ask("app")[0][1] == REFUSED


def test_request_that_is_handled_while_its_context_is_lost_makes_it_known_to_nobody(
    home: Home,
) -> None:
    home.switch.observe(lambda ids, error: home.shipment.forget(ids))
    home.ask("no_such_module")
    assert home.shipment._states.keys() == {FIRST}
    home.children[FIRST].hang_up()
    home.ask("no_such_module")
    assert home.shipment._states == {}


# -- data files ----------------------------------------------------------------------------------


def test_data_is_given_where_the_package_is(sources: Sources) -> None:
    home = Home(ModulePolicy(deny=["app.vault"]))
    sources.write({"app/__init__.py": "", "app/a.txt": "text", "app/vault/key.txt": "key"})
    shipment = home.shipment
    for read in (shipment.resource, shipment.listing):
        with pytest.raises(RefusedError, match="was not granted"):
            read(FIRST, "app", "a.txt")

    shipment.push(FIRST, "app")

    assert shipment.resource(FIRST, "app", "a.txt") == b"text"
    expected = [("__init__.py", False), ("a.txt", False), ("vault", True)]
    assert shipment.listing(FIRST, "app", "") == expected
    with pytest.raises(RefusedError, match="deny="):
        shipment.resource(FIRST, "app", "vault/key.txt")
    with pytest.raises(RefusedError, match="deny="):
        shipment.listing(FIRST, "app", "vault")
    with pytest.raises(FileNotFoundError, match="no file 'none' in package app"):
        shipment.resource(FIRST, "app", "none")
    with pytest.raises(FileNotFoundError, match="no folder 'none' in package app"):
        shipment.listing(FIRST, "app", "none")
