"""What the tests of sudo, su and doas share: to log in as somebody, and what must hold then."""

import os
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import remotesvc
from remotesvc import AuthenticationError, Context, Router
from tests.connect import far
from tests.connect.accounts import Account, as_user, shared_python

__all__ = ["Login", "arguments_and_environments", "contents", "everything_said", "refused"]


@dataclass(frozen=True)
class Login:
    """How somebody becomes another user by one program: real ones, with real passwords.

    given: options that say where, in the place of those for this machine.
    """

    router: Router
    who: Account
    kind: str
    folder: Path
    given: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, **opts: Any) -> Context:
        """Log in, and return the context, whose child has answered."""
        given = self.given or {
            "program": as_user(self.folder, self.who, self.kind),
            "python_path": shared_python(),
        }
        opener: Callable[..., Context] = getattr(self.router, self.kind)
        context = opener(**given, **opts)
        assert context.call(os.getcwd) == "/"
        assert context.call(far.is_isolated) and not context.call(far.has_terminal)
        return context


def arguments_and_environments() -> list[bytes]:
    """Return those of every process of this machine that we may read."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("cmdline", "environ"):
            try:
                found.append(Path("/proc", pid, name).read_bytes())
            except OSError:
                continue  # it has just ended
    return found


def contents(pids: Iterable[int], folder: Path) -> list[bytes]:
    """Return what stands in the files that processes hold open, and in those below a folder."""
    paths = [path for pid in pids for path in Path(f"/proc/{pid}/fd").iterdir()]
    found = []
    for path in (*paths, *folder.rglob("*")):
        try:
            if path.is_file():  # also one in memory
                found.append(path.read_bytes())
        except OSError:
            continue  # it has just been closed
    return found


def refused(login: Login, **opts: Any) -> AuthenticationError:
    """Log in, and return why that was refused; nothing of it is left."""
    before = login.router.contexts
    with pytest.raises(AuthenticationError) as caught:
        login(**opts)
    error = caught.value
    assert error.phase == "auth" and error.elapsed is not None
    assert login.router.contexts == before
    assert login.who.password not in everything_said(error)
    return error


def everything_said(error: BaseException) -> str:
    """Return an error and its traceback, with the variables of our own frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    folder = os.path.dirname(remotesvc.__file__) + os.sep
    ours = [frame for frame in shown.stack if frame.filename.startswith(folder)]
    assert ours
    said = [f"{frame.name} {frame.locals}" for frame in ours]
    return "\n".join([str(error), getattr(error, "stderr", ""), *said])
