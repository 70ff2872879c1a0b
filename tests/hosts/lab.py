"""Lab: controller - bastion - inner hosts that only the bastion reaches.

    controller 10.0.1.1 --- 10.0.1.2 bastion 10.0.2.1 --- 10.0.2.2 inner1
                                             10.0.3.1 --- 10.0.3.2 inner2
                                             10.0.4.1 --- 10.0.4.2 bare, which has no Python

The controller is the network of the test itself, once it has entered the lab. No machine has a
way to anything but its neighbours, so nothing that happens in here leaves the computer.
"""

import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from remotesvc import Context, Router
from tests.connect.accounts import needs_root, shared_python
from tests.hosts.cable import Cable
from tests.hosts.machine import Machine
from tests.hosts.sshd import PORT, Sshd
from tests.integration.hosts import needs_program

__all__ = ["HOSTS", "Host", "Lab", "start_lab"]

# Name, what it hangs on, the addresses at both ends.
HOSTS = (
    ("bastion", "controller", "10.0.1.1", "10.0.1.2"),
    ("inner1", "bastion", "10.0.2.1", "10.0.2.2"),
    ("inner2", "bastion", "10.0.3.1", "10.0.3.2"),
    ("bare", "bastion", "10.0.4.1", "10.0.4.2"),
)

# Bound to the address of the neighbour, who forgot to enter the lab sends nothing into the network
# of this computer, where these addresses are those of strangers.
_HOST_BLOCK = """\
Host {name}
    HostName {address}
    BindAddress {near_address}
    Port {port}
    User root
    IdentityFile {identity_file}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""

# The same host for who has no other way to say how it is reached.
_BEHIND_BASTION = """\
Host {name}-behind-bastion
    HostKeyAlias {address}
    ProxyJump bastion
"""


@dataclass(frozen=True)
class Host:
    """A host of the lab, the cable that it hangs on, and its SSH server."""

    machine: Machine
    cable: Cable
    sshd: Sshd | None

    @property
    def name(self) -> str:
        """What it is called, by itself and in ssh_config."""
        return self.machine.name

    @property
    def address(self) -> str:
        """Where it is, for its neighbours."""
        return self.cable.far_address

    def server(self) -> Sshd:
        """Return its SSH server: only a lab without servers has none."""
        assert self.sshd is not None
        return self.sshd

    def restore(self) -> None:
        """Have it as it was at first, whatever a test did to it."""
        self.machine.signal(signal.SIGCONT)
        self.cable.mend()
        if self.sshd is not None:
            self.sshd.start()


@dataclass(frozen=True)
class Lab:
    """A lab that runs, and the files to log in to its hosts from any of its machines."""

    controller: Machine
    bastion: Host
    inner1: Host
    inner2: Host
    bare: Host
    config_file: Path
    known_hosts: Path

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All of them."""
        return self.bastion, self.inner1, self.inner2, self.bare

    def ssh(self, router: Router, host: Host, **opts: Any) -> Context:
        """Log in by the system's ssh."""
        given = {"transport": "openssh", "config_file": str(self.config_file), **opts}
        return router.ssh(host.name, **given)

    def working(self) -> set[int]:
        """Return the pids of all that runs on its hosts, apart from their sshd."""
        found: set[int] = set()
        for host in self.hosts:
            found |= set(host.machine.processes()) - set(host.machine.processes("sshd"))
        return found

    def restore(self) -> None:
        """Mend what was cut, wake what was stopped, start what was killed."""
        for host in self.hosts:
            host.restore()


@contextmanager
def start_lab(
    users: Sequence[str] = (), *, servers: bool = True, config: Sequence[str] = ()
) -> Iterator[Lab]:
    """Build a lab; skip where that needs more than there is.

    users: who may log in beside root. servers: whether its hosts run an sshd. config: lines of
    sshd_config for all of them.
    """
    needs_root()
    for program in ("ip", "ssh"):
        needs_program(program)
    hosts_file = "127.0.0.1 localhost\n" + "".join(f"{far} {name}\n" for name, *_, far in HOSTS)
    with ExitStack() as stack:
        machines = {}
        for name in ("controller", *(host[0] for host in HOSTS)):
            machines[name] = Machine(name, hosts_file)
            stack.callback(machines[name].close)
        hosts = []
        for name, neighbour, near, far in HOSTS:
            cable = Cable(machines[neighbour], near, machines[name], far)
            cable.lay()
            sshd = None
            if servers:
                python = None if name == "bare" else shared_python()
                sshd = Sshd(machines[name], far, ("root", *users), python, config)
                stack.callback(sshd.close)
                sshd.start()
            hosts.append(Host(machines[name], cable, sshd))
        controller = machines["controller"]
        config_file, known_hosts = _write_client_files(controller.folder, hosts)
        bastion, inner1, inner2, bare = hosts
        yield Lab(controller, bastion, inner1, inner2, bare, config_file, known_hosts)


def _write_client_files(folder: Path, hosts: Sequence[Host]) -> tuple[Path, Path]:
    """Write ssh_config and known_hosts for all hosts."""
    config, known = folder / "ssh_config", folder / "known_hosts"
    text = ""
    with known.open("w") as stream:
        for host in hosts:
            if host.sshd is None:
                continue
            stream.write(f"{host.address} {host.sshd.host_key}\n")
            text += _HOST_BLOCK.format(
                name=f"{host.name} {host.name}-behind-bastion",
                address=host.address,
                near_address=host.cable.near_address,
                port=PORT,
                identity_file=host.sshd.identity_file,
                known_hosts=known,
            )
            if host.cable.near.name == "bastion":
                text += _BEHIND_BASTION.format(name=host.name, address=host.address)
    config.write_text(text)
    return config, known
