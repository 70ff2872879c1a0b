"""Connection: a child from its parent's side, from the first byte to the end of its link.

A connector brings a stream whose other end runs stage0 (or will, once a login is through). This
file does the rest, the same for every connector: payload and settings are written without waiting,
the handshake is read, one deadline is kept, and a failure becomes an error that names its phase.
"""

import os
import signal
import threading
import time

from ..bootstrap.handshake import Failed, Handshake, Ready
from ..bootstrap.settings import Settings
from ..core.authority import CONFIGURE
from ..core.errors import (
    BootstrapError,
    CallTimeout,
    ConnectError,
    ConnectTimeout,
    DisconnectedError,
    Error,
    InterpreterError,
    MessageTooLarge,
    again,
)
from ..core.values import encode
from ..core.visible import visible
from ..core.wire import FRAME_LIMIT, PLAIN, Message, encode_frame

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Sequence, Tuple

    from ..bootstrap.info import Info
    from ..core.link import Link
    from ..core.loop import Timer
    from ..types import Opener, ProcessLike
    from .ahead import Ahead

    # What a connector knows of its program's last words; None for what is none of them.
    Explain = Callable[[str, Optional[int], str], Optional[ConnectError]]

__all__ = ["Attempt", "Connection", "describe", "explain_end", "last_words"]

# What the probe and stage0 exit with when no usable Python was found.
NO_PYTHON = 93

# What stage0 and the child say begins with it: then the interpreter is a Python.
OUR_WORD = "remotesvc: "


class Attempt:
    """One attempt to connect: where to, since when, until when; shared by all its phases.

    `cancel()` ends it from another thread: no time is left, and all that `cut_by` got is called.
    Whoever works on it notes what was done and found, for a router with `on_step`.
    """

    def __init__(
        self,
        where: "str",
        timeout: "float",
        link: "Optional[Link]" = None,
        elapsed: "float" = 0.0,
    ) -> "None":
        self.where = where
        self.timeout = timeout
        # Of a context that exists already, and is waited for: what is sent to it queues there.
        self.link = link
        # Of a program that runs already, and that its connector would start first.
        self.ahead: "Optional[Ahead]" = None
        self.tries = 1
        self.renewals = 0
        self._started = self._since = time.monotonic() - elapsed
        self._cancelled = threading.Event()
        # Called as observer(phase, elapsed, text), on whatever thread has something to tell.
        self.observer: "Optional[Callable[[str, float, str], None]]" = None
        self._cuts: "List[Callable[[], None]]" = []

    def note(self, phase: "str", text: "str") -> "None":
        """Tell what was done or found, if anybody wants to know; `text` may be anything."""
        if self.observer is not None:
            self.observer(phase, self.elapsed, text)

    def cut_by(self, cut: "Callable[[], None]") -> "None":
        """Have `cut()`, too, called by a cancel: it wakes whoever waits, and must not block."""
        self._cuts.append(cut)
        if self.is_cancelled:
            cut()

    def cancel(self) -> "None":
        """End the attempt, from any thread."""
        self._cancelled.set()
        for cut in self._cuts:
            cut()

    def renew(self, pause: "float" = 0.0) -> "None":
        """Give another try, which begins after a pause, the whole time."""
        self.renewals += 1
        self._since = time.monotonic() + pause

    def wait(self, seconds: "float") -> "bool":
        """Let some time pass; False, and at once, when it is cancelled."""
        return not self._cancelled.wait(seconds)

    @property
    def is_cancelled(self) -> "bool":
        """Whether somebody has ended it."""
        return self._cancelled.is_set()

    @property
    def elapsed(self) -> "float":
        """Seconds since the attempt began."""
        return time.monotonic() - self._started

    @property
    def tried(self) -> "str":
        """How many tries were made, as the end of an error text; nothing for an only one."""
        facts = (self.tries, self.elapsed)
        return " (tried %d times in %.0f s)" % facts if self.tries > 1 else ""

    @property
    def left(self) -> "float":
        """Seconds until the deadline, at least 0."""
        spent = time.monotonic() - self._since
        return 0.0 if self.is_cancelled else max(0.0, self.timeout - spent)

    def timed_out(self, phase: "str", doing: "str", stderr: "str" = "") -> "ConnectError":
        """Return the error for an attempt with no time left, in `phase`."""
        if self.is_cancelled:
            text = "%s: the router was closed while it connected (phase: %s)" % (self.where, phase)
            return ConnectError(text, phase, self.elapsed, None, stderr)
        text = (
            "%s: no answer within %g s (phase: %s; %s). Raise connect_timeout if it is slow%s"
            % (
                self.where,
                self.timeout,
                phase,
                doing,
                self.tried,
            )
        )
        return ConnectTimeout(text, phase, self.elapsed, None, stderr)


class Connection:
    """The parent's end of one child; `info` is set once HELLO was taken.

    explain(where, exit_status, stderr) is asked first when the program ended before stage0 ran.
    """

    def __init__(
        self,
        router: "Opener",
        stream: "ProcessLike",
        context_id: "int",
        attempt: "Attempt",
        payload: "bytes",
        tried: "Sequence[str]",
        explain: "Optional[Explain]" = None,
    ) -> "None":
        self.info: "Optional[Info]" = None
        # Why the child will end, once it has said that it will.
        self.farewell = ""
        self.stream = stream
        # Told that `info` is there, and then that the link has ended, before anybody else is.
        self.on_change: "Callable[[], None]" = lambda: None
        self.link = attempt.link or router.make_link(
            context_id, router.switch.receive, self._on_link_end
        )
        self.link.on_end = self._on_link_end
        self._router = router
        self._attempt = attempt
        self._payload = payload
        self._tried = tried
        self._explain = explain
        self._nonce = os.urandom(16)
        self._handshake = Handshake(self._nonce, context_id, router.switch.id)
        self._settled = threading.Event()
        self._timer: "Optional[Timer]" = None

    def release(self, reason: "str") -> "None":
        """Let a child go that was detached: it lives on."""
        self.stream.release(self.wait().pid)
        self.farewell = reason
        self.link.end(DisconnectedError(reason))

    def excuse(self, seconds: "float") -> "None":
        """Expect no sign of life of the child for so long, after what was excused before."""
        link = self.link
        link.excused_until = max(link.excused_until, time.monotonic()) + seconds

    def note_loss(self, error: "Exception") -> "None":
        """Take the news that the context is lost: its link has told it already."""

    def open(self, env: "Optional[dict[str, str]]", cwd: "Optional[str]") -> "None":
        """Write payload and settings, and begin to read; waits for nothing."""
        router, link, stream = self._router, self.link, self.stream
        try:
            opening = self._payload + self._configure(env, cwd)
        except Error as error:
            stream.close()
            link.end(error)
            raise
        stream.on_bytes = self._on_bytes
        stream.on_end = self._on_end
        if self._attempt.link is None:
            router.switch.add_link(link)
        link.attach(stream, opening)
        self._set_timer()
        stream.start()

    def _configure(self, env: "Optional[dict[str, str]]", cwd: "Optional[str]") -> "bytes":
        """Return the frame with the settings of the child."""
        router, link = self._router, self.link
        switch = router.switch
        settings = Settings(
            self._nonce,
            link.peer_id,
            (switch.id, *switch.parents),
            switch.max_message_size,
            switch.siblings,
            router.output_window,
            router.heartbeat,
            router.heartbeat_misses,
            router.grace,
            router.log_level(link.peer_id),
            env,
            cwd,
        )
        plain = encode(settings.plain(), "settings")
        if len(plain) > FRAME_LIMIT:
            raise MessageTooLarge(
                "settings of %d bytes, at most %d can be sent: make env smaller"
                % (len(plain), FRAME_LIMIT)
            )
        configure = Message(link.peer_id, switch.id, switch.id, CONFIGURE, 0, PLAIN, plain)
        return encode_frame(configure)

    def wait(self, timeout: "Optional[float]" = None) -> "Info":
        """Return the facts of HELLO; raise what kept it from coming. Bounded by the deadline.

        Raises CallTimeout when neither came within `timeout` seconds.
        """
        if not self._settled.is_set():
            self._router.switch.check_process()
            if not self._settled.wait(timeout):
                raise CallTimeout(
                    "%s is not ready after %g s" % (self._attempt.where, timeout or 0)
                )
        if self.info is None:
            raise again(self.link.error or DisconnectedError("closed before it was ready"))
        return self.info

    @property
    def traffic(self) -> "Optional[Tuple[int, int]]":
        """The bytes sent and received so far."""
        return self.link.bytes_sent, self.link.bytes_received

    def _on_bytes(self, data: "bytes") -> "None":
        had_begun = self._handshake.has_marker
        outcome = self._handshake.feed(data)
        if self._handshake.has_marker and not had_begun:
            self._attempt.note("interpreter", "a Python began to read what was sent")
        if isinstance(outcome, Ready):
            self._stop_timer()
            self.info = outcome.info
            self._attempt.note("bootstrap", outcome.info.describe())
            router, link, stream = self._router, self.link, self.stream
            link.bytes_received += len(data) - len(outcome.rest)
            stream.on_bytes = link.on_bytes
            link.watch(router.loop, router.heartbeat, router.heartbeat_misses, router.switch.id)
            self._settled.set()
            self.on_change()
            if outcome.rest:
                link.on_bytes(outcome.rest)
        elif isinstance(outcome, Failed):
            text = "%s: the child did not start: %s" % (self._attempt.where, outcome.reason)
            self.link.end(BootstrapError(text, None, self._attempt.elapsed))

    def _on_end(self, reason: "str") -> "None":
        stream, attempt = self.stream, self._attempt
        if self.info is not None:
            reason = self.farewell or reason
            # How it was ended that was to end is nobody's business.
            status = None if self.farewell else stream.exit_status
            self.link.end(_lost(attempt.where, reason, status, stream.stderr))
            return
        has_begun, error = self._handshake.has_marker, None
        if self._explain is not None and not has_begun:
            error = self._explain(attempt.where, stream.exit_status, stream.stderr)
        if error is None:
            error = explain_end(
                attempt.where,
                stream.exit_status,
                stream.stderr,
                self._handshake.noise,
                self._tried,
                reason,
                has_begun,
            )
        error.elapsed = attempt.elapsed
        self.link.end(error)

    def _set_timer(self) -> "None":
        self._renewals = self._attempt.renewals
        self._timer = self._router.loop.call_later(self._attempt.left, self._time_out)

    def _time_out(self) -> "None":
        if self._settled.is_set():
            return
        if self._renewals != self._attempt.renewals:
            self._set_timer()  # another try is under way
        else:
            doing = "Python did not start" if not self._handshake.has_marker else "no HELLO came"
            noise = self._handshake.noise.strip()
            if noise:
                doing += "; the host printed: " + visible(noise[-200:])
            doing += last_words(self.stream.stderr)
            self.link.end(self._attempt.timed_out("bootstrap", doing, self.stream.stderr))

    def _stop_timer(self) -> "None":
        if self._timer is not None:
            self._timer.cancel()

    def _on_link_end(self, link: "Link", error: "Exception") -> "None":
        self._stop_timer()
        if self.info is None:
            self.stream.kill()  # nothing of the user's runs there yet that would want its time
        where = self._attempt.where
        if not str(error).startswith((where + ":", where + " ")):
            error.args = ("%s: %s" % (where, error),)  # a link does not know its name
        self.on_change()
        self._router.switch.lose_link(link, error)
        self._settled.set()


def explain_end(
    where: "str",
    exit_status: "Optional[int]",
    stderr: "str",
    noise: "str",
    tried: "Sequence[str]",
    reason: "str",
    has_begun: "bool" = True,
) -> "ConnectError":
    """Return the error for a command that ended before HELLO, maybe even before stage0. Pure."""
    said = last_words(stderr, noise)
    if exit_status == NO_PYTHON:
        text = "%s: no Python 3.6 or newer (tried %s). Name one with python_path%s" % (
            where,
            ", ".join(tried),
            said,
        )
        return InterpreterError(text, None, None, exit_status, stderr)
    if "is not recognized as an internal or external command" in stderr + noise:
        text = "%s: Windows hosts are not supported: a POSIX shell is needed%s" % (where, said)
        return InterpreterError(text, None, None, exit_status, stderr)
    if exit_status in (126, 127):
        # A version manager's wrapper without a version ends so, too.
        text = (
            "%s: the interpreter or the shell could not be started. Name a Python that can with "
            "python_path%s" % (where, said)
        )
        return InterpreterError(text, None, None, exit_status, stderr)
    status = reason if exit_status is None else describe(exit_status)
    text = "%s: the remote command ended before the child was ready (%s)%s" % (where, status, said)
    if OUR_WORD + "cwd: " in stderr:
        text += ". Give a cwd that is a folder there, and may be entered"
    elif exit_status is not None and not has_begun and OUR_WORD not in stderr:
        if len(tried) == 1:
            text += ". Is %s a Python? Name another with python_path" % visible(tried[0])
        elif said and exit_status > 0:
            text += ". If its Python said so, name another with python_path"
    return BootstrapError(text, None, None, exit_status, stderr)


def describe(exit_status: "int") -> "str":
    """Return an exit status in words."""
    if exit_status == -signal.SIGVTALRM:
        return "a call held the GIL for too long; options(holds_gil=seconds) allows it"
    if exit_status < 0:
        return "killed by signal %d" % -exit_status
    return "exit status %d" % exit_status


def last_words(stderr: "str", noise: "str" = "") -> "str":
    """Return the end of what a program said, as the end of an error text."""
    text = stderr.strip() or noise.strip()
    return ". It said: " + visible(text[-500:].replace("\n", " | ")) if text else ""


def _lost(
    where: "str", reason: "str", exit_status: "Optional[int]", stderr: "str"
) -> "DisconnectedError":
    status = "" if exit_status is None else ", " + describe(exit_status)
    return DisconnectedError(
        "%s is gone: %s%s%s" % (where, reason, status, last_words(stderr)), reason
    )
