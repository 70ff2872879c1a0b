"""An authenticated paramiko transport, through jump hosts or a ProxyCommand if need be.

Each hop is a login of its own: authentication, encryption and host key check end here, the jump
host only carries TCP bytes. What fails before a host has shown its key may be tried again, and
with it nothing that went before: nobody is asked for anything twice.
"""

from ...connect.base import Attempt
from ...connect.tries import Tries
from ...core.errors import ConnectError
from .auth import authenticate
from .chain import Chain, Transport
from .hop import Failed, begin
from .login import Login

__all__ = ["open_chain"]

# A thread of paramiko's looks at its flags this often, each time at the cost of a wake-up; it is
# woken by other means where it matters. paramiko itself takes 0.1 s.
IDLE_POLL = 2.0

# A ProxyJump with %h in it can lead to ever new names.
HOPS_LIMIT = 16

# What waits for a host behind a jump host ends by itself, and the jump host's connection is kept
# for the next try; only if it does not, that is cut, too.
LEEWAY = 2.0


def open_chain(
    chain: Chain, attempt: Attempt, login: Login, jumps: tuple[str, ...] | None, tries: Tries
) -> Transport:
    """Log in through all hops and return the transport to the host; the caller closes `chain`.

    The chain is cut at the deadline of the attempt, until somebody frees it from that.
    """
    attempt.cut_by(chain.cut)
    _extend(chain, attempt, login, jumps, tries, ())
    return chain.transports[-1]


def _extend(
    chain: Chain,
    attempt: Attempt,
    login: Login,
    jumps: tuple[str, ...] | None,
    tries: Tries,
    on_the_way: tuple[str, ...],
) -> None:
    """Add the hops before a host, then the host itself."""
    settings = login.settings
    # The same address may be another host: what it means is said by the one before it.
    if len(on_the_way) > HOPS_LIMIT:
        way = " through ".join((*dict.fromkeys(on_the_way), login.name))
        text = f"{attempt.where}: the jump hosts lead in a circle: {way}; mend ProxyJump"
        raise ConnectError(text, "resolve", attempt.elapsed)
    hops = settings.proxy_jump if jumps is None else jumps
    for index, hop in enumerate(hops):
        # Only the first hop is reached from here; the others are reached from the one before.
        before = None if index == 0 and not chain.transports else ()
        _extend(chain, attempt, login.for_hop(hop), before, tries, (*on_the_way, login.name))
    transport = _reach(chain, attempt, login, tries)
    login.host_keys.check(transport.shown_key, attempt)
    authenticate(transport, attempt, settings, login.credentials)
    interval = settings.server_alive_interval
    transport.set_keepalive(interval)
    transport.sock.settimeout(min(IDLE_POLL, interval or IDLE_POLL))
    transport.packetizer.hand_over(chain.loop, transport)


def _reach(chain: Chain, attempt: Attempt, login: Login, tries: Tries) -> Transport:
    """Return the connection to a host that has shown its key, if need be after several tries."""
    wires, transports = len(chain.wires), len(chain.transports)
    while True:
        may_outlive = transports > 0 and tries.has_more
        chain.limit(attempt.left + (LEEWAY if may_outlive else 0))
        try:
            transport = begin(chain, attempt, login)
            chain.limit(attempt.left)
            return transport
        except Failed as failed:
            chain.free()
            chain.drop(wires, transports)
            try:
                tries.wait(failed.failure, failed.error)
            except ConnectError as error:
                raise error from failed.__cause__
