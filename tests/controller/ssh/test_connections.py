"""Who shares a connection with whom: places, limits, and those who wait for one being made."""

import threading
from typing import Any, cast

import pytest

from remotesvc.connect.base import Attempt
from remotesvc.controller.ssh.chain import Chain, Transport
from remotesvc.controller.ssh.connections import CHANNELS_LIMIT, Connections, SharedConnection
from remotesvc.core.errors import AuthenticationError, ConnectError, ConnectTimeout

PATIENCE = (30.0, 0)


class Lines:
    """A transport that is up, or is not."""

    def __init__(self) -> None:
        self.is_up = True

    def is_active(self) -> bool:
        """Tell it."""
        return self.is_up


class Table(Connections):
    """Connections to hosts that never were."""

    def get(
        self, key: Any = "web1", patience: tuple[float, int] = PATIENCE
    ) -> tuple[SharedConnection, bool]:
        """Take a place."""
        return self.take(key, patience, lambda: cast(Chain, None))

    def get_open(self, key: Any = "web1") -> tuple[SharedConnection, Lines]:
        """Take the first place of a new connection, and open it."""
        connection, is_new = self.get(key)
        assert is_new
        lines = Lines()
        connection.open(cast(Transport, lines))
        return connection, lines


@pytest.fixture
def table() -> Table:
    """An empty one."""
    return Table()


def test_a_second_child_gets_a_place_on_the_connection_that_is_there(table: Table) -> None:
    first, _ = table.get_open()

    assert table.get() == (first, False)
    assert table.get("web2")[1]


def test_who_has_no_key_shares_with_nobody(table: Table) -> None:
    table.get_open(None)

    assert table.get(None)[1]


def test_a_connection_has_so_many_places_and_no_more(table: Table) -> None:
    first, _ = table.get_open()
    for _ in range(CHANNELS_LIMIT - 1):
        assert table.get()[0] is first

    second, is_new = table.get()

    assert is_new
    table.leave("web1", first)
    assert table.get() == (first, False)
    assert not second.is_alive


def test_a_server_that_refuses_a_child_is_asked_for_no_more_on_any_connection(
    table: Table,
) -> None:
    first, _ = table.get_open()
    table.get()
    table.get()
    table.refuse("web1", first)
    table.leave("web1", first)

    second, is_new = table.get()
    assert is_new
    second.open(cast(Transport, Lines()))
    assert table.get()[0] is second
    assert table.get()[1], "each has two now"


def test_a_refusal_never_leaves_a_connection_without_a_place(table: Table) -> None:
    first, _ = table.get_open()
    table.refuse("web1", first)
    table.leave("web1", first)

    table.get_open()


def test_a_lost_connection_gives_no_places(table: Table) -> None:
    _, lines = table.get_open()
    lines.is_up = False

    assert table.get()[1]


def test_the_last_one_to_leave_is_told(table: Table) -> None:
    first, _ = table.get_open()
    table.get()

    assert not table.leave("web1", first)
    assert table.leave("web1", first)
    assert table.get()[1]


def test_nothing_is_kept_of_a_host_that_nobody_uses(table: Table) -> None:
    first, _ = table.get_open()
    table.leave("web1", first)

    assert table._groups == {}


# -- one that is being made ----------------------------------------------------------------------


def test_who_comes_meanwhile_waits_and_gets_it(table: Table) -> None:
    first, _ = table.get()
    second, is_new = table.get()
    assert (second, is_new) == (first, False)
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.append(first.wait(Attempt("web1", 30))))
    waiting.start()

    lines = Lines()
    first.open(cast(Transport, lines))

    waiting.join(30)
    assert found == [lines]


def test_who_has_another_patience_does_not_wait_but_may_share_later(table: Table) -> None:
    first, _ = table.get()

    assert table.get(patience=(5.0, 0))[1]
    assert table.get(patience=(30.0, 3))[1]
    first.open(cast(Transport, Lines()))
    assert table.get(patience=(5.0, 0)) == (first, False)


def test_a_login_that_is_refused_is_the_error_of_all_who_waited(table: Table) -> None:
    first, _ = table.get()
    table.get()
    error = AuthenticationError("web1: not let in", None, 1.0)
    first.fail(error)

    with pytest.raises(AuthenticationError, match="web1: not let in") as caught:
        first.wait(Attempt("web1", 30))

    assert caught.value is not error
    assert caught.value.phase == "auth"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("prompts= raised")])
def test_what_only_concerns_its_maker_has_the_others_try_by_themselves(
    table: Table, error: BaseException
) -> None:
    first, _ = table.get()
    first.fail(error)

    assert first.wait(Attempt("web1", 30)) is None
    assert table.get()[1]


def test_the_deadline_of_its_maker_is_not_that_of_who_came_later(table: Table) -> None:
    first, _ = table.get()
    first.fail(ConnectTimeout("web1: no answer within 30 s"))
    late, spent = Attempt("web1", 30), Attempt("web1", 30)
    spent.renew(-40)

    assert first.wait(late) is None
    with pytest.raises(ConnectTimeout):
        first.wait(spent)


def test_a_cancel_ends_the_waiting(table: Table) -> None:
    first, _ = table.get()
    attempt = Attempt("web1", 30)
    attempt.cancel()

    with pytest.raises(ConnectError, match="the router was closed while it connected"):
        first.wait(attempt)
