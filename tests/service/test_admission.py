"""Who may have services started and activated: the pure rules."""

from remotesvc.service.admission import (
    BYTES_LIMIT,
    CALLS_LIMIT,
    SHARED_LIMIT,
    may_run,
    may_share,
    refuse_activation,
    refuse_asking,
    refuse_key,
    refuse_waiting,
)


def test_only_a_parent_asks_for_activation() -> None:
    assert refuse_asking("a.B", is_below=True, is_self=False) is None
    assert refuse_asking("a.B", is_below=False, is_self=True) is None
    assert "by a parent only" in (refuse_asking("a.B", is_below=False, is_self=False) or "")


def test_service_is_activated_for_a_parent_that_asks() -> None:
    assert refuse_activation("a.B", True, True, 3) is None
    assert "did not ask" in (refuse_activation("a.B", False, True, 3) or "")


def test_stranger_who_asks_for_activation_is_told_no() -> None:
    for is_asked in (True, False):
        refusal = refuse_activation("a.B", is_asked, False, 3)
        assert refusal == (
            "service a.B is not active in context 3, and only a parent may activate it"
        )


def test_stranger_may_have_so_many_calls_and_bytes_waiting() -> None:
    assert refuse_waiting(False, CALLS_LIMIT - 1, BYTES_LIMIT) is None
    assert refuse_waiting(False, CALLS_LIMIT, 10) is not None
    assert refuse_waiting(False, 0, BYTES_LIMIT + 1) is not None
    assert refuse_waiting(True, CALLS_LIMIT * 10, BYTES_LIMIT * 10) is None


def test_reply_handle_stands_for_one_call_at_a_time() -> None:
    assert refuse_key(False, 300) is None
    assert "reply handle 300 is not over" in (refuse_key(True, 300) or "")


def test_stranger_has_a_quarter_of_the_threads_and_at_least_one() -> None:
    assert [may_run(False, running, 16) for running in (0, 3, 4, 16)] == [True, True, False, False]
    assert [may_run(False, running, 1) for running in (0, 1)] == [True, False]
    assert may_run(True, 1000, 1)


def test_long_arguments_are_not_shared() -> None:
    assert may_share(SHARED_LIMIT)
    assert not may_share(SHARED_LIMIT + 1)
