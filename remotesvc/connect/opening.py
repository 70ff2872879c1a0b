"""Opening: one way into every new context, wherever its router is: here, or in another context.

With `via` the connector runs in that context, as an order that it carries out (hop.py); without,
in this process.
"""

import functools
import time

from ..bootstrap.seed import get_payload, get_probe, has_payload
from ..core.errors import DisconnectedError, Error, RefusedError
from ..core.secret import Secret
from .base import Attempt
from .hop import Hop
from .order import Order
from .shortage import explain_shortage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Union

    from ..core.context import Context
    from ..types import Connector, OpeningRouter
    from .base import Connection
    from .roster import Roster

__all__ = ["Common", "open_child"]


class Common:
    """The options of every context, whatever opens it."""

    __slots__ = ("connect_timeout", "cwd", "env", "name", "pool_size", "results", "via")

    def __init__(
        self,
        name: "Optional[str]" = None,
        connect_timeout: "float" = 30,
        env: "Optional[Dict[str, str]]" = None,
        cwd: "Optional[str]" = None,
        results: "str" = "plain",
        pool_size: "Optional[int]" = None,
        via: "Optional[Context]" = None,
    ) -> "None":
        self.name = name
        self.connect_timeout = connect_timeout
        self.env = env
        self.cwd = cwd
        self.results = results
        self.pool_size = pool_size
        self.via = via


def open_child(
    router: "OpeningRouter",
    roster: "Roster",
    connector: "Connector",
    where: "str",
    opts: "Dict[str, Any]",
    common: "Common",
) -> "Context":
    """Open a context; what is waited for depends on the connector, and with `via` nothing is."""
    if common.via is not None:
        where = "%s/%s" % (common.via.name, where)
    return _Opening(router, roster, connector, where, opts, common).open()


class _Opening:
    """How one context is opened; kept with it, to be done again."""

    def __init__(
        self,
        router: "OpeningRouter",
        roster: "Roster",
        connector: "Connector",
        where: "str",
        opts: "Dict[str, Any]",
        common: "Common",
    ) -> "None":
        self._router = router
        self._roster = roster
        self._connector = connector
        self._where = where
        self._opts = opts
        self._common = common

    def open(self, context: "Optional[Context]" = None) -> "Context":
        """Connect, and return the context that there is now, or one that was lost, alive again."""
        router, roster, common = self._router, self._roster, self._common
        if common.via is not None:
            _check_via(router, common.via, common)
        where = self._where if context is None else context.name
        attempt = Attempt(common.name or where, common.connect_timeout)
        router.switch.check_process()
        context_id = roster.begin(attempt)
        if router.on_step is not None:
            attempt.observer = functools.partial(router.on_step, context_id)
        try:
            connection = self._connect(context_id, attempt)
            if context is None:
                is_pickle = common.results == "pickle"
                context = roster.adopt(connection, common.name, where, is_pickle)
                context.reopen = self.open
            else:
                roster.renew(context, connection)
            context.pool_size = common.pool_size
            context.since = time.monotonic()
            attempt.where = context.name
            _start(router, roster, connection, common)
            return context
        except Exception as error:
            if common.via is not None and isinstance(error, DisconnectedError):
                common.via.raise_if_lost()  # it was there when this began: say what ended it
            shortage = explain_shortage(attempt, error)
            if shortage is not None:
                raise shortage from error
            raise
        finally:
            roster.finish(attempt)

    def _connect(self, context_id: "int", attempt: "Attempt") -> "Union[Connection, Hop]":
        """Return the connection to a context that is going to be."""
        router, opts = self._router, self._opts
        if self._common.via is not None:
            return _order(router, context_id, attempt, self._connector, opts, self._common)
        return self._connector.connect(router, context_id, attempt, **opts)


def _check_via(router: "OpeningRouter", via: "Context", common: "Common") -> "None":
    if via.router is not router.home:
        raise ValueError("via=%r belongs to another router: open both with the same one" % via)
    via.check_connected()
    if via.id not in router.switch.routes:
        text = "%s: a context is opened in one's own children only" % via.name
        raise RefusedError(text)
    if common.results == "pickle" and not via.takes_pickle:
        # Whoever stands between could put a pickle of his own there.
        raise RefusedError(
            "results='pickle' goes through %s, which was opened without it: open that with "
            "results='pickle' too, if you trust it" % via.name
        )


def _order(
    router: "OpeningRouter",
    context_id: "int",
    attempt: "Attempt",
    connector: "Connector",
    opts: "Dict[str, Any]",
    common: "Common",
) -> "Hop":
    """Return the connection to a context that is going to be opened in another one."""
    via: "Any" = common.via
    module: "str" = connector.__name__  # type: ignore[attr-defined]
    prompts = opts.get("prompts")
    if prompts is not None:
        opts = dict(opts, prompts=True)
    if any(isinstance(value, Secret) for value in opts.values()) and not via.is_ready:
        via.wait_until_ready()  # a forced command never gets a Secret
    router.push_connector(via.id, module)
    order = Order(
        context_id,
        module,
        get_probe(),
        attempt.where,
        attempt.timeout,
        attempt.timeout - attempt.left,
        opts,
        common.env,
        common.cwd,
        0,
    )
    hop = Hop(router, via, order, attempt, prompts, _program_of(connector, attempt, opts))
    attempt.cut_by(hop.close)
    return hop


def _program_of(
    connector: "Connector", attempt: "Attempt", opts: "Dict[str, Any]"
) -> "Optional[List[str]]":
    """Return the words of what a connector will start first, None where only it can know them."""
    words_ahead: "Any" = getattr(connector, "words_ahead", None)
    if words_ahead is None or not has_payload():
        return None
    try:
        return words_ahead(attempt.timeout, len(get_payload()), **opts)  # type: ignore[no-any-return]
    except (TypeError, ValueError, Error):
        return None  # an option that it does not take: it says so itself


def _start(
    router: "OpeningRouter",
    roster: "Roster",
    connection: "Union[Connection, Hop]",
    common: "Common",
) -> "None":
    try:
        router.announce(connection)
        connection.open(common.env, common.cwd)
    except BaseException:
        roster.forget({connection.link.peer_id}, Error("it was never opened"))
        connection.stream.close()
        raise
    if roster.is_closed:
        connection.link.end(DisconnectedError("the router was closed meanwhile"))
