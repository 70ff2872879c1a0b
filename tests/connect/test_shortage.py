"""A program without descriptors left is told what it needs, and what is open goes on."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from remotesvc import ConnectError, Context, Router
from remotesvc.connect.base import Attempt
from remotesvc.connect.shortage import NEEDED, explain_shortage
from tests.controller.ssh.hosts import start_bare


@contextmanager
def few_descriptors(more: int) -> Iterator[int]:
    """Let this process have so many more than it has; gives the limit."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    spare = os.dup(0)
    os.close(spare)
    resource.setrlimit(resource.RLIMIT_NOFILE, (spare + more, limits[1]))
    try:
        yield spare + more
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def fill(router: Router) -> list[Context]:
    """Open children until there is no descriptor for one more; each of them works."""
    opened: list[Context] = []
    with pytest.raises(ConnectError, match="out of file descriptors"):
        while len(opened) < 100:
            child = router.local()
            child.call(abs, 1)
            opened.append(child)
    return opened


def test_too_many_children_are_told_the_need_and_the_limit_and_the_others_go_on(
    no_leaks: None, empty_home: Path
) -> None:
    with Router() as router, few_descriptors(2 * NEEDED) as limit:
        opened = fill(router)
        with pytest.raises(ConnectError) as caught:
            router.local(name="more")
        assert str(caught.value).startswith("more: out of file descriptors: a context takes up to")
        assert f"may have {limit}, and " in str(caught.value)
        assert [child.call(os.getppid) for child in opened] == [os.getpid()] * len(opened) != []
        opened[0].shutdown()
        assert router.local().call(abs, -1) == 1


def test_login_without_descriptors_is_told_likewise(no_leaks: None, empty_home: Path) -> None:
    with start_bare() as server, Router() as router:
        config = str(server.config_file)
        child = router.ssh("demo", config_file=config)
        child.call(abs, 1)
        with few_descriptors(0), pytest.raises(ConnectError, match="out of file descriptors"):
            router.ssh("demo", config_file=config, share=False)
        assert child.call(abs, -1) == 1


def test_context_on_the_way_that_has_none_left_tells_it(no_leaks: None, empty_home: Path) -> None:
    with Router() as router:
        relay = router.local()
        router.local(via=relay).shutdown()  # what that takes is imported there now
        relay.call(resource.setrlimit, resource.RLIMIT_NOFILE, (relay.call(os.dup, 0) + 2, 64))
        inner = router.local(via=relay)
        with pytest.raises(ConnectError, match="local/local: out of file descriptors"):
            inner.call(abs, 1)
        assert relay.call(abs, -1) == 1


def test_what_is_no_shortage_of_descriptors_is_not_explained() -> None:
    attempt = Attempt("web1", 30)
    assert explain_shortage(attempt, OSError(errno.ENOENT, "no such file")) is None
    assert explain_shortage(attempt, ValueError("too many open files")) is None
    whole = explain_shortage(attempt, OSError(errno.ENFILE, "file table overflow"))
    assert whole is not None and "fs.file-max" in str(whole)
