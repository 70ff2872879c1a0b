"""The child's call loop: functions run one after another, in order, on the main thread.

Only this file runs user code that a CALL_FUNCTION asked for. The I/O thread puts requests in, the
main thread takes them out; whatever a function does, ends, raises or returns is the outcome of its
own call and of no other.
"""

import _thread
import sys
from collections import deque

from .authority import accepts_pickle
from .errors import MessageTooLarge, ValueNotSupported
from .values import decode, encode
from .wire import ERROR, PICKLE, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Deque, Dict, Optional, Tuple

    from .finder import Finder
    from .link import Link
    from .switch import Switch
    from .wire import Message

    Invocation = Tuple[Callable[..., Any], Tuple[Any, ...], Dict[str, Any]]

__all__ = ["CallLoop"]


class CallLoop:
    """Runs the queued calls on the thread that calls `run()`, until `stop()`.

    `settle()` is called after each function and before its reply, so that what it printed
    leaves first.
    """

    def __init__(self, switch: "Switch", finder: "Finder", settle: "Callable[[], None]") -> "None":
        self._switch = switch
        self._finder = finder
        self._settle = settle
        self._queue: "Deque[Message]" = deque()
        self._is_stopped = False
        # Held while there is nothing to do: a bare lock hands over faster than a Condition.
        self._signal = _thread.allocate_lock()
        self._signal.acquire()

    def accept(self, link: "Optional[Link]", message: "Message") -> "None":
        """Queue a call (handler of CALL_FUNCTION, on the I/O thread)."""
        self._queue.append(message)
        self._wake()

    def stop(self) -> "None":
        """Let `run()` return once the running call has ended; queued calls are not begun."""
        self._is_stopped = True
        self._wake()

    def run(self) -> "None":
        """Serve calls until `stop()`."""
        while not self._is_stopped:
            try:
                message = self._queue.popleft()
            except IndexError:
                self._signal.acquire()
                continue
            self._execute(message)

    def _wake(self) -> "None":
        try:
            self._signal.release()
        except RuntimeError:
            return  # it is awake already

    def _execute(self, message: "Message") -> "None":
        try:
            function, args, kwargs = self._open(message)
            result = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001 sys.exit() ends the call, not the child
            self._settle()
            self._fail(message, error)
        else:
            self._settle()
            self._reply(message, result)
        # A local would keep the last result and its memory alive until the next call.

    def _reply(self, message: "Message", result: "Any") -> "None":
        if not message.reply_to:
            return
        try:
            link = self._switch.reply(message, PLAIN, encode(result, "result"))
        except ValueNotSupported as error:
            if type(result).__name__ == "coroutine":
                result.close()  # or Python warns, at any later moment, that nobody awaited it
            self._switch.reply_dead(message, "value", str(error))
        except MessageTooLarge as error:
            self._switch.reply_dead(message, "size", str(error))
        except BaseException as error:  # noqa: BLE001 a result with a broken __len__ or __iter__
            self._fail(message, error)
        else:
            if link is not None:
                link.wait_for_room()

    def _fail(self, message: "Message", error: "BaseException") -> "None":
        if not message.reply_to:
            return
        try:
            self._switch.reply(message, ERROR, _describe(error))
        except MessageTooLarge as large:
            self._switch.reply_dead(message, "size", str(large))

    def _open(self, message: "Message") -> "Invocation":
        if message.encoding == PICKLE:
            return self._unpickle(message)
        fields: "Any" = decode(message.payload)
        module, qualname, args, kwargs = fields
        return self._find(module, qualname), args, kwargs

    def _find(self, module: "str", qualname: "str") -> "Callable[..., Any]":
        """Return what a call names; whatever that raises is the outcome of the call."""
        if module == "__main__":
            self._finder.import_main()
        elif module not in sys.modules:
            __import__(module)
        target: "Any" = sys.modules[module]
        for name in qualname.split("."):
            target = getattr(target, name)
        return target  # type: ignore[no-any-return]

    def _unpickle(self, message: "Message") -> "Invocation":
        """Open a pickle: from parents only, and from the same minor version only."""
        switch = self._switch
        if not accepts_pickle(message.src, message.auth, switch.parents):
            raise PermissionError("a pickle from context %d is refused" % message.src)
        theirs = tuple(message.payload[:2])
        if theirs != sys.version_info[:2]:
            raise TypeError(
                "a lambda, closure or object from Python %d.%d cannot be loaded by Python %d.%d "
                "here: call a function that can be imported by name, with plain arguments"
                % (theirs + sys.version_info[:2])
            )
        import pickle

        return pickle.loads(message.payload[2:])  # type: ignore[no-any-return]  # noqa: S301


def _describe(error: "BaseException") -> "bytes":
    """Return the payload that tells of an exception, by a module that comes when first needed."""
    try:
        from .capture import capture

        return capture(error)
    except BaseException as failure:  # noqa: BLE001 no memory, or user code broke the importer
        name = type(error).__name__
        text = "(no more is known: describing it failed with %s)" % type(failure).__name__
        return encode((name, (), text, None, (), (), "", None, None, ()))
