"""Calls with options: chains, pickled results, declared holds of the GIL. A child's part.

A child gets this module with the first call that has an option; it runs on the main thread.

Of a chain is kept which number comes next, or, once one of its calls has failed, its error; from
its first call until the parent says that it is closed. No more than CHAINS_LIMIT are kept, and of
an error no more than ERROR_LIMIT bytes. A call whose chain is not known (any more), or that is not
the next one, is not run: something before it was not.
"""

from .authority import CANCEL
from .values import decode, encode
from .wire import DEAD, ERROR, PICKLE, PLAIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple

    from .calls import CallLoop
    from .wire import Message

    Outcome = Tuple[int, bytes]

__all__ = ["CHAINS_LIMIT", "ERROR_LIMIT", "perform"]

# The oldest is forgotten first; whoever goes on with it is refused. 16 MiB at most, with errors.
CHAINS_LIMIT = 1024
ERROR_LIMIT = 16 * 1024

# What every Python from 3.6 on reads.
PROTOCOL = 4


def perform(calls: "CallLoop", call: "Message", fields: "List[Any]") -> "Outcome":
    """Run a call of five fields and return its outcome."""
    module, qualname, args, kwargs, options = fields
    if "unchain" in options:
        calls.chains.pop((call.src, options["unchain"]), None)
        return PLAIN, encode(None)

    def run() -> "Outcome":
        function = calls.find(module, qualname)
        result = _run(calls, options.get("holds_gil", 0), lambda: function(*args, **kwargs))
        if not call.reply_to:
            return PLAIN, b""
        return _pickle(result) if options.get("results") == "pickle" else calls.pack(result)

    if "chain" in options:
        chain, number = options["chain"]
        return _run_chained(calls, call, (call.src, chain), number, run)
    return run()


def _run(calls: "CallLoop", seconds: "float", function: "Callable[[], Any]") -> "Any":
    """Run a function that may hold the GIL for so long."""
    if not seconds:
        return function()
    calls.guard(seconds)
    try:
        return function()
    finally:
        calls.guard(0)


def _pickle(result: "Any") -> "Outcome":
    """Return a result as a pickle, with the version that made it; a refusal if it cannot be."""
    import pickle
    import sys

    try:
        return PICKLE, bytes(sys.version_info[:2]) + pickle.dumps(result, PROTOCOL)
    except Exception as error:  # noqa: BLE001 user code: __reduce__ and the like
        if type(result).__name__ == "coroutine":
            result.close()  # or Python warns that nobody awaited it
        kind = type(error).__name__
        return DEAD, encode(("value", "result: it cannot be pickled: %s: %s" % (kind, error)))


def _run_chained(
    calls: "CallLoop",
    call: "Message",
    key: "Tuple[int, bytes]",
    number: "int",
    run: "Callable[[], Outcome]",
) -> "Outcome":
    """Run the next call of a chain, unless one before it failed."""
    chains: "Dict[Any, Any]" = calls.chains
    state = chains.pop(key, None if number else 0)
    if state is None or (type(state) is int and state != number):
        state = _refusal(calls)
    if type(state) is int:
        try:
            outcome = run()
        except BaseException as error:  # noqa: BLE001 sys.exit() ends the chain, not the child
            is_wanted = call.handle != CANCEL
            outcome = ERROR, calls.describe(error) if is_wanted else b""
        state = number + 1 if outcome[0] in (PLAIN, PICKLE) else _keep(outcome)
        if call.handle == CANCEL:
            state = _refusal(calls)
    else:
        outcome = state
    chains[key] = state
    while len(chains) > CHAINS_LIMIT:
        del chains[next(iter(chains))]
    return outcome


def _refusal(calls: "CallLoop") -> "Outcome":
    """Return what to say of a chain of which something was not run, or not to its end."""
    if calls.has_refused:
        return calls.busy()
    return DEAD, encode(("chain", "an earlier call of this chain was not run to its end"))


def _keep(outcome: "Outcome") -> "Outcome":
    """Return what is kept of a failure: all of it, or its beginning."""
    encoding, payload = outcome
    if len(payload) <= ERROR_LIMIT:
        return outcome
    if encoding != ERROR:
        return DEAD, encode(("chain", "an earlier call of this chain failed"))
    fields = decode(payload)
    name, bases, message, traceback = fields[0], fields[1], fields[2], fields[6]
    half = ERROR_LIMIT // 16
    cut = (name, bases, message[:half], None, (), (), traceback[-half:], None, None, ())
    return ERROR, encode(cut)
