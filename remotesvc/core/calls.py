"""The child's call loop: functions run one after another, in order, on the main thread.

Only this file runs user code that a CALL_FUNCTION asked for. The I/O thread puts requests in, the
main thread takes them out; whatever a function does, ends, raises or returns is the outcome of its
own call and of no other.

Both threads look at a call without a lock. The main thread makes a call known as the running one,
then looks whether it is still wanted; the I/O thread marks it as unwanted (its `handle`), then
looks whether it is the running one. So at least one of them sees what the other has done.
"""

import _thread
import signal
import sys
import time
from collections import deque

from .authority import CALL_FUNCTION, CANCEL
from .errors import MessageTooLarge, ValueNotSupported
from .values import decode, encode
from .wire import DEAD, ERROR, PICKLE, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Optional, Sequence, Tuple

    from .finder import Finder
    from .link import Link
    from .loop import Loop
    from .switch import Switch
    from .wire import Message

    # Encoding and payload of a reply.
    Outcome = Tuple[int, bytes]

__all__ = ["CallLoop"]

# A cancel may overtake its call, which may be large; one that comes too late looks the same, so
# no more of them are remembered than this.
EARLY_LIMIT = 1000

# An interrupt in the middle of these could tear a message, or lose a wake-up or a lock: it comes
# again after so long. But whoever waits, for room or for what comes, is in the middle of nothing.
DELICATE = ("remotesvc.core.link", "remotesvc.core.loop", "remotesvc.core.switch")
AGAIN = 0.01

# No arguments, as an array of two.
BARE = b"\x92\x90\x80"

# The mark on a call that was answered, or is to be, without being begun.
REFUSED = 0


class CallLoop:
    """Runs the queued calls on the thread that made it, from `run()` until `stop()`.

    `settle()` is called after each function and before its reply, so that what it printed
    leaves first. A call that has not ended `grace` seconds after it was cancelled is abandoned:
    until it ends, all others are answered with "busy".
    """

    def __init__(
        self,
        switch: "Switch",
        finder: "Finder",
        settle: "Callable[[], None]",
        loop: "Loop",
        grace: "float",
    ) -> "None":
        self.switch = switch
        # Called with the seconds for which the next call may hold the GIL, and with 0 after it.
        self.guard: "Callable[[float], None]" = lambda seconds: None
        # What call_options.py keeps.
        self.chains: "Dict[Any, Any]" = {}
        self._finder = finder
        self._settle = settle
        self._loop = loop
        self._grace = grace
        self._queue: "Deque[Message]" = deque()
        self._is_stopped = False
        # Only the main thread changes it: whose code it runs now.
        self._running: "Optional[Message]" = None
        # Whom the SIGINT under way is meant for, None for one not ours; whom the last one was.
        self._target: "object" = None
        self._interrupted: "object" = None
        self.is_due = False
        # What the payload of the last call began with, and the names that it is, if it is these.
        self._head = b""
        self._names: "Sequence[str]" = ()
        self._early: "Dict[Tuple[int, int], None]" = {}
        # Name of the call that was cancelled last while it ran, and when.
        self._cancelled = "", 0.0
        self._is_abandoned = False
        # Whether "busy" was ever said: then it may be what a chain lacks a call for.
        self.has_refused = False
        self.thread = _thread.get_ident()
        # Held while there is nothing to do: a bare lock hands over faster than a Condition.
        self._signal = _thread.allocate_lock()
        self._signal.acquire()
        self._recover()

    # -- on the I/O thread -----------------------------------------------------------------------

    def accept(self, link: "Optional[Link]", message: "Message") -> "None":
        """Queue a call (handler of CALL_FUNCTION)."""
        if self._is_abandoned:
            self.switch.reply(message, *self.busy())
        elif not self._early or (message.src, message.reply_to) not in self._early:
            self._queue.append(message)
            self._wake()

    def stop(self) -> "None":
        """Interrupt the running call, and let `run()` return; queued calls are not begun."""
        self._is_stopped = True
        self._wake()
        self._interrupt(self._running or self)

    def cancel(self, message: "Message") -> "bool":
        """Cancel a call; tell whether it is to end, it runs, and this child must end with it."""
        handle, is_hard, name = decode(message.payload)
        key = message.src, handle
        # In this order: a call goes from the queue to the running one, and is never in neither.
        for call in (*self._queue, self._running):
            if call is not None and (call.src, call.reply_to) == key:
                break
        else:
            if len(self._early) >= EARLY_LIMIT:
                self._early.clear()
            self._early[key] = None
            return False
        call.handle = CANCEL
        if self._running is not call:
            self._drop(call)
        elif is_hard:
            return True
        else:
            self._cancelled = name, time.monotonic()
            self._loop.call_later(self._grace, lambda: self._abandon(call))
            self._interrupt(call)
        return False

    def _interrupt(self, target: "object") -> "None":
        # Once: also if the end of this child comes after a cancel, `finally` blocks run on.
        if self._interrupted is not target:
            self._target = self._interrupted = target
            self.is_due = True
            self._insist()

    def _insist(self) -> "None":
        """Send the interrupt until it has reached the handler at a moment that suits.

        Python may have looked for signals just before it began to wait: only another one wakes it.
        """
        if self._target is not None:
            if self.is_due or signal.getsignal(signal.SIGINT) == self.on_interrupt:
                self.is_due = False
                signal.pthread_kill(self.thread, signal.SIGINT)
            self._loop.call_later(AGAIN, self._insist)

    def _abandon(self, call: "Message") -> "None":
        """Refuse what waits behind a call that does not end, and what will come."""
        self._is_abandoned = self.has_refused = True
        if self._running is not call:
            self._is_abandoned = False
            return
        for waiting in list(self._queue):
            waiting.handle = REFUSED
            if self._running is not waiting:
                self.switch.reply(waiting, *self.busy())
                self._drop(waiting)

    def _drop(self, call: "Message") -> "None":
        """Free what a call holds that is never begun; the main thread takes it out."""
        call.reply_to = 0
        call.payload = b""

    def _wake(self) -> "None":
        try:
            self._signal.release()
            self._loop.lend(self)
        except RuntimeError:
            return  # it is awake already

    # -- on the main thread ----------------------------------------------------------------------

    def run(self) -> "None":
        """Serve calls until `stop()`."""
        while not self._is_stopped:
            if self._queue:
                # A cancel that has come meanwhile counts before the next call begins.
                self._loop.turn_until(self, True)
                self._take()
            else:
                link = self.switch.upstream
                # A large reply is for the other thread: memory of this one costs more to come by.
                if link is None or link.push():
                    self._loop.turn_until(self)
                if not self.is_wanted():
                    self._signal.acquire()

    def is_wanted(self) -> "bool":
        """Tell whether there is something to run, or the end."""
        return self._is_stopped or bool(self._queue)

    def on_interrupt(self, number: "int", frame: "Any") -> "None":
        """Interrupt the call that this SIGINT is meant for, if user code of it runs right now."""
        if self._running is not None and _is_delicate(frame):
            self.is_due = True
            return
        target, self._target = self._target, None
        running = self._running
        if target is None and self._interrupted is not running:
            target = running  # it is not ours, nor an echo of ours
        if running is not None and target is running:
            raise KeyboardInterrupt

    def busy(self) -> "Outcome":
        """Return the answer to a call that is not begun because of an abandoned one."""
        name, since = self._cancelled
        return DEAD, encode(("busy", name, time.monotonic() - since))

    def _recover(self) -> "None":
        """Take calls, also after a cancel: user code may have installed a handler of its own."""
        self._is_abandoned = False
        self._running = self._interrupted = None
        signal.signal(signal.SIGINT, self.on_interrupt)

    def _take(self) -> "None":
        """Run the first call of the queue."""
        call = self._queue[0]
        try:
            self._running = call
            self._queue.popleft()
            if self._is_stopped:
                self._running = None
                return
            outcome = self._perform(call) if call.handle == CALL_FUNCTION else self.busy()
            self._running = None
        except BaseException as error:  # noqa: BLE001 sys.exit() ends the call, not the child
            self._running = None
            self._settle()
            outcome = ERROR, self.describe(error) if call.reply_to else b""
        else:
            self._settle()
        if call.handle == CANCEL:
            self._recover()
        else:
            self._reply(call, *outcome)

    def _perform(self, call: "Message") -> "Outcome":
        payload = call.payload
        head, names = self._head, self._names
        self._head, self._names = payload[:64], ()
        if call.encoding == PICKLE:
            from .pickled import load_call

            function, args, kwargs = load_call(call, self.switch.parents)
        else:

            def resolve(*reference: "Any") -> "Any":
                from .references import resolve

                return resolve(call, *reference)

            if names and payload.startswith(head):
                # The same function again. To read its names is most of the work of a small call.
                rest = BARE[:1] + payload[len(head) :]
                args, kwargs = ((), {}) if rest == BARE else decode(rest, resolve)
            else:
                fields: "Any" = decode(payload, resolve)
                if len(fields) > 4:
                    from .call_options import perform

                    return perform(self, call, fields)
                *names, args, kwargs = fields
                head = payload[:1] + encode(names)[1:]
            if payload.startswith(head):
                self._head, self._names = head, names
            function = self.find(*names)
        result = function(*args, **kwargs)
        return self.pack(result) if call.reply_to else (PLAIN, b"")

    def find(self, module: "str", qualname: "str") -> "Callable[..., Any]":
        """Return what a call names; whatever that raises is the outcome of the call."""
        if module == "__main__":
            from .main_module import import_main

            import_main(self._finder)
        elif module not in sys.modules:
            __import__(module)
        target: "Any" = sys.modules[module]
        for name in qualname.split("."):
            target = getattr(target, name)
        return target  # type: ignore[no-any-return]

    def pack(self, result: "Any") -> "Outcome":
        """Return the outcome of a call that returned."""
        try:
            return PLAIN, encode(result, "result")
        except ValueNotSupported as error:
            if type(result).__name__ == "coroutine":
                result.close()  # or Python warns, at any later moment, that nobody awaited it
            return DEAD, encode(("value", str(error)))

    def describe(self, error: "BaseException") -> "bytes":
        """Return the payload that tells of an exception, by a module that comes when needed."""
        try:
            from .capture import capture

            return capture(error)
        except BaseException as failure:  # noqa: BLE001 no memory, or user code broke the importer
            name = type(error).__name__
            text = "(describing it failed: %s)" % type(failure).__name__
            return encode((name, (), text, None, (), (), "", None, None, ()))

    def _reply(self, call: "Message", encoding: "int", payload: "bytes") -> "None":
        try:
            # In company only of the same function: it just returned, so it is likely to again.
            may_wait = bool(self._queue) and self._queue[0].payload.startswith(self._head)
            link = self.switch.reply(call, encoding, payload, may_wait)
        except MessageTooLarge as error:
            self.switch.reply_dead(call, "size", str(error))
        else:
            if link is not None:
                link.wait_for_room()


def _is_delicate(frame: "Any") -> "Any":
    while frame is not None:
        if frame.f_globals.get("__name__") in DELICATE:
            return frame.f_code.co_name not in ("wait_for_room", "_turn")
        frame = frame.f_back
    return False
