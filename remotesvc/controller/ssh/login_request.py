"""LoginRequest: one request to log in, sent behind that for the service, not after its answer.

paramiko asks for the service `ssh-userauth` before each request to log in, and waits for the
answer: a round trip that tells nothing, for a server that lacks it hangs up (RFC 4253, 10). Asked
for once, it serves all requests, which sshd takes in the order in which they come.

An RSA key signs by a method that the server has named (RFC 8308, 3.1). That may still be under
way, but is here when the answer is: so a first request with such a key waits for it. Where
paramiko lacks a name that this takes, or another server is there, all is done in paramiko's way.
"""

import threading
import time
from typing import Any

import paramiko
from paramiko.auth_handler import AuthHandler

from .session import is_openssh, reason_of

__all__ = ["CannotSign", "ask_to_log_in"]

SERVICE = "ssh-userauth"

NAMES = ("_request_auth", "_parse_service_accept", "wait_for_response")

# So often it is looked whether the connection is there still, by whoever waits for an answer.
LOOK = 0.1


class CannotSign(Exception):
    """A key that was to be offered did not sign; nothing was sent, and another may be."""


def ask_to_log_in(transport: paramiko.Transport, method: str, user: str, *args: Any) -> list[str]:
    """Ask by "none", "publickey", "password" or "interactive"; return what is wanted besides.

    Raises what paramiko raises, and CannotSign.
    """
    if not (is_openssh(transport) and all(hasattr(AuthHandler, name) for name in NAMES)):
        options = {"fallback": False} if method == "password" else {}
        wanted: list[str] = getattr(transport, "auth_" + method)(user, *args, **options)
        return wanted
    answered = threading.Event()
    request = transport.auth_handler = LoginRequest(transport)
    getattr(request, "auth_" + method)(user, *args, answered)
    wanted = request.wait_for_response(answered)
    return wanted


class LoginRequest(AuthHandler):  # type: ignore[misc]  # paramiko has no types
    """paramiko's; it is made anew for each request, and the transport gives it what comes."""

    def __init__(self, transport: paramiko.Transport) -> None:
        super().__init__(transport)
        self._is_accepted = threading.Event()

    def _request_auth(self) -> None:
        """Send it (paramiko's code, on the thread that asks)."""
        transport = self.transport
        if not transport.is_service_asked_for:
            transport.is_service_asked_for = True
            super()._request_auth()
            key = self.private_key
            if key is not None and "rsa" in key.get_name() and not transport.server_extensions:
                self._wait_for_service()
        accept = paramiko.Message()
        accept.add_string(SERVICE)
        accept.rewind()
        try:
            super()._parse_service_accept(accept)
        except EOFError:
            raise  # the connection is gone
        except Exception as error:
            if self.auth_method != "publickey":
                raise
            raise CannotSign(reason_of(error)) from error

    def _wait_for_service(self) -> None:
        limit = time.monotonic() + (self.transport.auth_timeout or 0)
        while not self._is_accepted.wait(LOOK):
            if not self.transport.is_active() or time.monotonic() > limit:
                return  # whoever waits for the answer to this request says so

    def _parse_service_accept(self, message: paramiko.Message) -> None:
        """Take the server's yes, which nobody may have waited for (paramiko's thread)."""
        self._is_accepted.set()
