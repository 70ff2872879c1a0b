"""Authentication over a paramiko transport: what is offered, in which order, and what was tried.

OpenSSH's order: keys, keyboard-interactive, password, as far as the configuration and the server
allow each. A password is sent once, a passphrase never leaves this host, and nothing is offered
twice, also when the server wants several methods one after the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import paramiko

from ...connect.base import Attempt
from ...core.errors import AuthenticationError, ConnectError
from ...core.visible import visible
from ..ssh_config.settings import SshSettings
from .chain import Transport
from .identities import Identities, Passphrase
from .login_request import CannotSign, ask_to_log_in
from .session import reason_of

__all__ = ["Credentials", "Prompts", "authenticate"]

# answers(title, instructions, [(prompt, is echoed)]) -> one answer per prompt
Prompts = Callable[[str, str, Sequence[tuple[str, bool]]], Sequence[str]]

# So much of a question of the server's stands in an error text.
QUESTION_SHOWN = 200

# paramiko waits by an event; a wait of no time at all would not look at it once.
SHORTEST_WAIT = 0.1


@dataclass(frozen=True)
class Credentials:
    """What the user gave beside the configuration; secrets do not show in its repr."""

    password: str | None = field(default=None, repr=False)
    passphrase: Passphrase | None = field(default=None, repr=False)
    identity_files: tuple[str, ...] = ()
    # Not every function has a hash.
    prompts: Prompts | None = field(default=None, repr=False, hash=False)

    def identities(self, settings: SshSettings, notes: list[str]) -> Identities:
        """Return the keys to offer; who names a key or a password does not mean all others."""
        named = self.identity_files
        return Identities(
            files=named or settings.identity_files,
            is_named=bool(named) or settings.has_explicit_identities,
            only_files=settings.identities_only or bool(named) or self.password is not None,
            agent_path=settings.identity_agent,
            passphrase=self.passphrase,
            notes=notes,
        )


def authenticate(
    transport: Transport,
    attempt: Attempt,
    settings: SshSettings,
    credentials: Credentials,
) -> None:
    """Log in, or raise AuthenticationError that lists what was tried and what would help."""
    _Login(transport, attempt, settings, credentials).run()


class _Login:
    """One login: the methods that the server still takes, and what was tried so far."""

    def __init__(
        self,
        transport: Transport,
        attempt: Attempt,
        settings: SshSettings,
        credentials: Credentials,
    ) -> None:
        self._transport = transport
        self._attempt = attempt
        self._settings = settings
        self._credentials = credentials
        self._where = f"{settings.hostname} port {settings.port}"
        self._allowed: set[str] | None = None
        self._tried: list[str] = []
        self._notes: list[str] = []
        self._unusable: list[str] = []
        self._offered: set[bytes] = set()
        self._answers = _Answers(credentials, self._notes)
        self._is_one_step_further = False
        # Also what was no way to log in there.
        self._has_offered = False

    def run(self) -> None:
        """Go through the methods, and again whenever the server took one and wants another."""
        methods = {
            "publickey": self._try_keys,
            "keyboard-interactive": self._try_interactive,
            "password": self._try_password,
        }
        order = ", ".join(self._settings.authentications)
        self._attempt.note("auth", f"{self._where}: as {self._settings.user}, trying {order}")
        self._is_one_step_further = True
        while self._is_one_step_further:
            self._is_one_step_further = False
            for method in self._settings.authentications:
                if self._may(method) and methods[method]():
                    return
        if not self._asks_for_nothing():
            raise self._refused()

    def _asks_for_nothing(self) -> bool:
        """Learn what the server takes, if that is not known; some let everybody in."""
        return self._allowed is None and self._send(None, "none")

    def _may(self, method: str) -> bool:
        return self._allowed is None or method in self._allowed

    def _send(self, what: str | None, method: str, *args: Any) -> bool:
        """Send one attempt; True when it logged in."""
        self._transport.auth_timeout = max(SHORTEST_WAIT, self._attempt.left)
        try:
            user = self._settings.user
            still_needed = ask_to_log_in(self._transport, method, user, *args)
        except CannotSign as error:
            if self._attempt.left == 0:
                raise self._attempt.timed_out("auth", f"{what} did not sign") from error
            self._unusable.append(f"{what} does not sign: {error}")
            return False
        except paramiko.BadAuthenticationType as error:
            self._allowed = set(filter(None, error.allowed_types))
            self._has_offered = self._has_offered or what is not None
            return False
        except paramiko.AuthenticationException as error:
            self._check_alive(error)
            still_needed = None
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self._answers.failure is not None:
                raise self._answers.failure from None
            raise self._lost(error) from error
        if what is not None:
            self._tried.append(what)
            outcome = "refused" if still_needed is None else "accepted"
            also = f"; {', '.join(still_needed)} is wanted, too" if still_needed else ""
            self._attempt.note("auth", f"{self._where}: {what} {outcome}{also}")
        if still_needed:
            self._allowed = set(still_needed)
            self._is_one_step_further = True
        return still_needed == []

    def _check_alive(self, error: Exception) -> None:
        if self._attempt.left == 0 or not self._transport.is_active():
            raise self._lost(error) from error

    def _lost(self, error: Exception) -> ConnectError:
        """Return the error for a connection that ended, or a deadline that passed, meanwhile."""
        if self._attempt.left == 0:
            return self._attempt.timed_out("auth", f"{self._where} did not answer the login")
        if self._tried and isinstance(error, paramiko.AuthenticationException):
            count = len(self._tried)
            text = f"it closed the connection after {count} refused (MaxAuthTries?): offer fewer"
            self._notes.append(text)
            return self._refused()
        if isinstance(error, paramiko.AuthenticationException):
            # Whoever waits only sees that it is closed; paramiko's thread may know why.
            error = self._transport.why_it_ended() or EOFError()
        text = f"{self._attempt.where}: {self._where} ended the connection during the login"
        return ConnectError(f"{text}: {reason_of(error)}", "auth", self._attempt.elapsed)

    # -- methods ---------------------------------------------------------------------------------

    def _try_keys(self) -> bool:
        found = self._credentials.identities(self._settings, self._unusable)
        with found.offered(self._attempt) as identities:
            for identity in identities:
                blob = identity.key.asbytes()
                if blob in self._offered:
                    continue
                if self._send(identity.name, "publickey", identity.key):
                    return True
                if self._tried[-1:] == [identity.name]:
                    self._offered.add(blob)
                if not self._may("publickey"):
                    break
        return False

    def _try_interactive(self) -> bool:
        if not self._answers.has_any:
            return False
        return self._send("keyboard-interactive", "interactive", self._answers)

    def _try_password(self) -> bool:
        # A password goes to those only who take one.
        if self._answers.has_password and self._asks_for_nothing():
            return True
        password = self._answers.take_password() if self._may("password") else None
        if password is None:
            return False
        return self._send("password", "password", password)

    def _refused(self) -> AuthenticationError:
        unusable = dict.fromkeys(self._unusable)  # the files are read again for each step
        is_why_known = unusable or self._has_offered
        nothing = "nothing" if is_why_known else "nothing: there was nothing to offer"
        tried = ", ".join(self._tried) or nothing
        lacks = f" Not usable: {'; '.join(unusable)}." if unusable else ""
        allowed = "it did not say"
        if self._allowed is not None:
            allowed = visible(", ".join(sorted(self._allowed))) or "nothing from this user"
        notes = "".join(f"; {note}" for note in (*self._notes, *self._settings.login_notes))
        text = (
            f"{self._attempt.where}: user {self._settings.user!r} was not let in by "
            f"{self._where}. Tried: {tried}.{lacks} The server takes: {allowed}{notes}. "
            "Check the user name, or give a key with -i (identity_file=), an agent, or password= "
            "in a program"
        )
        return AuthenticationError(text, None, self._attempt.elapsed)


class _Answers:
    """Answers what the server asks; the password goes out once, whatever the way."""

    def __init__(self, credentials: Credentials, notes: list[str]) -> None:
        self._password = credentials.password
        self._prompts = credentials.prompts
        self._notes = notes
        # What prompts= raised, on paramiko's thread, which ended by it.
        self.failure: Exception | None = None

    @property
    def has_any(self) -> bool:
        """Whether there is anything to answer with."""
        return self._prompts is not None or self.has_password

    @property
    def has_password(self) -> bool:
        """Whether there is a password that was not sent yet."""
        return self._password is not None

    def take_password(self) -> str | None:
        """Return the password the first time, and None from then on."""
        password, self._password = self._password, None
        return password

    def _is_for_password(self, prompts: Sequence[tuple[str, bool]]) -> bool:
        """Tell whether the one question is clearly for the password that was given."""
        (question, is_echoed), *others = prompts
        is_asked = not others and not is_echoed and "password" in question.lower()
        return is_asked and self.has_password

    def __call__(
        self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str]:
        if not prompts:
            return []  # a server may only want to say something
        if self._prompts is not None and not self._is_for_password(prompts):
            try:
                return _checked(self._prompts(title, instructions, prompts), len(prompts))
            except Exception as error:
                self.failure = error
                # With an OSError of no number that thread would not end in order.
                raise paramiko.SSHException("prompts= gave no answers") from error
        if len(prompts) == 1 and not prompts[0][1]:
            password = self.take_password()
            if password is not None:
                return [password]
        questions = " / ".join(prompt.strip() for prompt, _ in prompts)[:QUESTION_SHOWN]
        self._notes.append(f"it asked {visible(questions)!r}: give prompts= to answer that")
        return ["" for _ in prompts]


def _checked(answers: Sequence[str], count: int) -> Sequence[str]:
    """Refuse what would reach the user as a server that did not answer."""
    is_text = not isinstance(answers, str) and all(isinstance(answer, str) for answer in answers)
    if not is_text or len(answers) != count:
        raise ValueError(f"prompts= has to return a list of {count} answers, one per question")
    return list(answers)
