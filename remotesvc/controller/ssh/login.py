"""Login: one host to log in to, and those on the way to it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..ssh_config import read_settings
from ..ssh_config.destination import split_destination
from ..ssh_config.settings import SshSettings
from .auth import Credentials, Prompts
from .host_key import HostKeys

__all__ = ["Login"]


@dataclass(frozen=True)
class Login:
    """One host to log in to: its settings, and what the user gave beside them."""

    settings: SshSettings
    credentials: Credentials
    host_keys: HostKeys
    config_file: str | None

    @property
    def name(self) -> str:
        """What to call the host in an error."""
        return f"{self.settings.hostname} port {self.settings.port}"

    def for_hop(self, hop: str) -> "Login":
        """Return the login to a jump host on the way to this one.

        Passwords and keys given for this host are not the jump host's to see.
        """
        user, host, port = split_destination(hop)
        settings = read_settings(host, config_file=self.config_file, user=user, port=port)
        prompts = self.credentials.prompts
        credentials = Credentials(
            passphrase=self.credentials.passphrase,
            prompts=None if prompts is None else partial(_ask_for_hop, prompts, hop),
        )
        host_keys = self.host_keys.for_settings(settings)
        return replace(self, settings=settings, credentials=credentials, host_keys=host_keys)


def _ask_for_hop(
    prompts: Prompts,
    hop: str,
    title: str,
    instructions: str,
    questions: Sequence[tuple[str, bool]],
) -> Sequence[str]:
    """Ask with a title that says whose questions they are: they look like those of the host."""
    whose = f"jump host {hop}"
    return prompts(f"{whose}: {title}" if title else whose, instructions, questions)
