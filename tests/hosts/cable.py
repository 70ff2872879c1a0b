"""Cable: what connects two machines, and can be cut."""

from dataclasses import dataclass

from tests.hosts.machine import Machine

__all__ = ["Cable"]


@dataclass(frozen=True)
class Cable:
    """A cable between two machines, with an address at either end; it is there once laid.

    `near` is the machine that is nearer to the controller. Nobody forwards anything, so a machine
    reaches only what a cable connects it with.
    """

    near: Machine
    near_address: str
    far: Machine
    far_address: str

    def lay(self) -> None:
        """Connect the two."""
        near, far = self._ends()
        add = ["link", "add", near, "type", "veth", "peer", "name", far, "netns"]
        self.near.run("ip", *add, str(self.far.pid))
        for machine, end, address in (
            (self.near, near, self.near_address),
            (self.far, far, self.far_address),
        ):
            machine.run("ip", "address", "add", f"{address}/24", "dev", end)
            machine.run("ip", "link", "set", end, "up")

    def cut(self) -> None:
        """Let nothing through any more; neither end is told."""
        self.near.run("ip", "link", "set", self._ends()[0], "down")

    def mend(self) -> None:
        """Let everything through again."""
        self.near.run("ip", "link", "set", self._ends()[0], "up")

    def _ends(self) -> tuple[str, str]:
        """Return the names of the two interfaces: each is called by what is at its other end."""
        return f"to-{self.far.name}", f"to-{self.near.name}"
