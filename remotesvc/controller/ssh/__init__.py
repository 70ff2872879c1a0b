"""The SSH connector: paramiko logs in, opens a channel, and the bootstrap goes out at once.

Only this package knows paramiko, and imports it when the first host is reached.
"""

from typing import TYPE_CHECKING, Any

from .postponed import postpone

if TYPE_CHECKING:
    from ...connect.base import Attempt, Connection
    from .connector import Home

__all__ = ["connect", "load"]


def connect(
    router: "Home",
    context_id: int,
    attempt: "Attempt",
    *,
    host: str,
    is_default_timeout: bool = False,
    **given: Any,
) -> "Connection":
    """Log in to a host and start a child there; what an option leaves out, ssh_config says."""
    load()
    from .connector import open_host

    return open_host(router, context_id, attempt, host, is_default_timeout, given)


def load() -> None:
    """Import what connecting takes, which may take a tenth of a second."""
    postpone("invoke")
    from . import connector  # noqa: F401
