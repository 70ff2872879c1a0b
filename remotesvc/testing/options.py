"""What a throw-away SSH server can be asked to be.

Data only. Which options need which kind of server is one table here; `start_server` refuses
what the chosen kind cannot do, instead of starting something else than was asked for.
"""

import os
import pwd
from dataclasses import dataclass, field, fields
from typing import Literal

from remotesvc.testing.keys import KeyType

__all__ = ["Kind", "ServerOptions", "current_account", "current_user"]

Kind = Literal["sshd", "embedded"]

_ONLY_SSHD = frozenset({"extra_config", "authorized_keys_options"})
_ONLY_EMBEDDED = frozenset({"password", "interactive"})


def current_user() -> str:
    """Return the account name of this process; USER, or a made-up one, if it has no account."""
    account = current_account()
    if account is not None:
        return account.pw_name
    return os.environ.get("USER") or f"uid{os.geteuid()}"


def current_account() -> pwd.struct_passwd | None:
    """Return the account of this process; None in a container whose user id has none."""
    try:
        return pwd.getpwuid(os.geteuid())
    except KeyError:
        return None


@dataclass(frozen=True)
class ServerOptions:
    """How the server looks, whom it lets in, and what its sessions see.

    aliases: names of the server in its own ssh_config.
    users: who may log in; the first one is written into the ssh_config. Empty: the account
        of this process. Other accounts need root, and sshd refuses those whose password is
        locked ("!" in shadow: most system accounts) unless extra_config has "UsePAM yes".
    environment: variables of every session, over what the login sets (PATH, HOME …). A bash
        reads ~/.bashrc under sshd, which may change PATH again: give an empty HOME too.
    shell: absolute path of the shell that runs the commands instead of the account's own.
    client_config: further lines of the Host block of the ssh_config ("ProxyJump bastion").
    host_key_types, user_key_type, passphrase: the keys that are made; the passphrase
        encrypts the user's.
    accept_user_keys: whether the server accepts the key that was made for the user.
    known: whether the server's host keys are in its known_hosts file.
    extra_config: global lines of sshd_config that come first, and so win; no Match blocks
        (sshd only).
    authorized_keys_options: the options field of authorized_keys, e.g. 'command="menu"'
        (sshd only).
    password: the password that every user has (embedded only).
    interactive: prompts of keyboard-interactive with the answer each wants (embedded only).
    """

    aliases: tuple[str, ...] = ("demo",)
    users: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    shell: str | None = None
    client_config: tuple[str, ...] = ()
    host_key_types: tuple[KeyType, ...] = ("ed25519",)
    user_key_type: KeyType = "ed25519"
    passphrase: str | None = field(default=None, repr=False)
    accept_user_keys: bool = True
    known: bool = True
    extra_config: tuple[str, ...] = ()
    authorized_keys_options: str = ""
    password: str | None = field(default=None, repr=False)
    interactive: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def accounts(self) -> tuple[str, ...]:
        """Return the names that may log in, at least one."""
        return self.users or (current_user(),)

    def needs(self) -> frozenset[Kind]:
        """Return the kinds that can fulfil every option; raise ValueError when none can."""
        given = {item.name for item in fields(self) if getattr(self, item.name) != item.default}
        sshd, embedded = given & _ONLY_SSHD, given & _ONLY_EMBEDDED
        if sshd and embedded:
            raise ValueError(
                f"no kind of server offers {sorted(sshd)} (sshd only) together with "
                f"{sorted(embedded)} (embedded only); start two servers"
            )
        kinds: set[Kind] = {"sshd", "embedded"}
        if sshd:
            kinds.discard("embedded")
        if embedded:
            kinds.discard("sshd")
        return frozenset(kinds)
