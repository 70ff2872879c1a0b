"""What is kept back: a Secret until HELLO, and a reference to somebody else for ever."""

import queue
import threading
from pathlib import Path

import pytest

import remotesvc
from remotesvc.core.values import CONTEXT, encode
from tests.core.value_shapes import Live
from tests.integration.waiting import wait_until

DEADLINE = 30.0

SECRET = "correct horse battery staple"

# What a forced command or a menu does: it takes whatever comes, and answers nothing of ours.
RECORDER = """#!/bin/sh
exec 3>&1  # so that it does not end what it never answers on
exec cat > {path}
"""


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, Path]:
    """Return a program that records its stdin, and the file that it writes."""
    program, taken = tmp_path / "recorder", tmp_path / "taken"
    taken.touch()
    program.write_text(RECORDER.format(path=taken))
    program.chmod(0o755)
    return program, taken


def test_secret_argument_is_not_sent_before_hello(recording: tuple[Path, Path]) -> None:
    program, taken = recording
    with remotesvc.Router() as router:
        context = router.local(python_path=str(program), connect_timeout=1)
        with pytest.raises(remotesvc.ConnectTimeout):
            context.call(len, {"password": [remotesvc.Secret(SECRET)]})
    assert SECRET.encode() not in taken.read_bytes()


def test_secret_inside_an_object_is_not_sent_before_hello(recording: tuple[Path, Path]) -> None:
    program, taken = recording
    with remotesvc.Router() as router:
        context = router.local(python_path=str(program), connect_timeout=1)
        secret = remotesvc.Secret(SECRET)
        with pytest.raises(remotesvc.ConnectTimeout):
            context.call(lambda: len(secret))
    assert SECRET.encode() not in taken.read_bytes()


@pytest.mark.parametrize("how", ["call", "submit", "pickled", "service"])
def test_timeout_of_a_call_with_a_secret_counts_before_hello_too(
    recording: tuple[Path, Path], how: str
) -> None:
    program, _ = recording
    secret = remotesvc.Secret(SECRET)
    with remotesvc.Router() as router:
        verbs = router.local(python_path=str(program), connect_timeout=600).options(timeout=0.1)
        with pytest.raises(remotesvc.CallTimeout, match=r"on local timed out after 0\.1 s"):
            if how == "call":
                verbs.call(len, secret)
            elif how == "submit":
                verbs.submit(len, secret).result(DEADLINE)
            elif how == "pickled":
                verbs.call(lambda: len(secret))
            else:
                verbs.call_service("own.Service", "method", password=secret)


def test_argument_without_a_secret_travels_in_the_first_flight(
    recording: tuple[Path, Path],
) -> None:
    program, taken = recording
    with remotesvc.Router() as router:
        router.local(python_path=str(program)).submit(len, SECRET)
        wait_until(lambda: SECRET.encode() in taken.read_bytes())


def test_secret_arrives_as_a_secret() -> None:
    with remotesvc.Router() as router:
        context = router.local()
        assert context.call(len, remotesvc.Secret(SECRET)) == len(SECRET)
        assert "staple" not in context.call(repr, remotesvc.Secret(SECRET))


def test_a_context_may_refer_to_itself_and_to_nobody_else() -> None:
    with remotesvc.Router() as router:
        one, other = router.local(), router.local()
        reference = encode(Live(CONTEXT, (one.id, "one")))
        assert router.decode(reference, one.id) == one
        with pytest.raises(remotesvc.ProtocolError, match="not context 2's to give"):
            router.decode(reference, other.id)


def test_a_context_in_a_message_tells_of_its_loss_as_ours_does() -> None:
    with remotesvc.Router() as router:
        child = router.local()
        lent = router.decode(encode(Live(CONTEXT, (child.id, "child"))), child.id)
        assert lent is not child
        told: queue.Queue[remotesvc.Context] = queue.Queue()
        lent.on_disconnect(lambda context, _: told.put(context))
        child.on_disconnect(lambda context, _: told.put(context))
        child.kill()
        assert {id(told.get(timeout=DEADLINE)) for _ in range(2)} == {id(lent), id(child)}
        again = lent.lent(None).lent(child.id)
        again.on_disconnect(lambda context, _: told.put(context))
        assert told.get(timeout=DEADLINE) is again


def test_a_context_as_an_argument_is_a_handle_on_the_same_context_over_there() -> None:
    with remotesvc.Router() as router:
        one, other = router.local(name="one"), router.local(name="other")
        assert one.call(repr, other) == "<Context 2 other>"
        assert one.call(repr, [one]) == "[<Context 1 one>]"
        assert one.call(lambda: repr(other)) == "<Context 2 other>"


def test_a_context_of_another_router_is_refused() -> None:
    with remotesvc.Router() as router, remotesvc.Router() as stranger:
        one, other = router.local(), stranger.local()
        one.call(repr, one)
        with pytest.raises(remotesvc.ValueNotSupported, match="of another router"):
            one.call(repr, other)


def test_argument_that_is_neither_plain_nor_picklable_is_refused_with_both_reasons() -> None:
    class Silent:
        def __reduce__(self) -> str:
            raise RuntimeError

    with remotesvc.Router() as router:
        context = router.local()
        for wrong, reason in (
            (threading.Lock(), "cannot pickle '_thread.lock' object"),
            (Silent(), "RuntimeError"),
        ):
            with pytest.raises(remotesvc.ValueNotSupported, match="cannot travel") as caught:
                context.call(len, wrong)
            assert str(caught.value).endswith(f"; nor can it be pickled: {reason}")
