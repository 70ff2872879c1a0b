"""Chains of contexts through the lab: each is opened in the one before it."""

from dataclasses import dataclass, field
from typing import Any

from remotesvc import Context, Router
from tests.connect.accounts import Account, shared_python
from tests.hosts.lab import Host, Lab

__all__ = ["Chain"]


@dataclass
class Chain:
    """Controller - bastion - an inner host - root there - a container there; as far as is asked.

    Each link is opened when it is first asked for, by whom its password is known; `contexts` has
    those that are open, the nearest first.
    """

    lab: Lab
    router: Router
    who: Account
    # The program and the container.
    podman: tuple[str, str] | None = None
    contexts: list[Context] = field(default_factory=list)

    def bastion(self, **opts: Any) -> Context:
        """Log in to the bastion, as root."""
        return self._add(self.lab.ssh(self.router, self.lab.bastion, **opts))

    def inner(self, host: Host, **opts: Any) -> Context:
        """Log in to an inner host, in the bastion, as somebody who is not root."""
        via = self.contexts[0] if self.contexts else self.bastion()
        given = {"via": via, "username": self.who.name, **opts}
        return self._add(self.lab.ssh(self.router, host, **given))

    def root(self, **opts: Any) -> Context:
        """Become root where the chain ends."""
        given = {"via": self.contexts[-1], "password": self.who.password, **opts}
        return self._add(self.router.sudo(python_path=shared_python(), **given))

    def container(self, **opts: Any) -> Context:
        """Enter the container where the chain ends."""
        assert self.podman is not None
        program, name = self.podman
        given = {"via": self.contexts[-1], "program": program, **opts}
        return self._add(self.router.podman(name, **given))

    def _add(self, context: Context) -> Context:
        self.contexts.append(context)
        return context
