"""Who is measured: a label for the tables, the program that does the work, and its options."""

import sys
from dataclasses import dataclass

__all__ = [
    "BARE",
    "EXECNET",
    "MITOGEN",
    "OPENSSH",
    "PARAMIKO",
    "REMOTESVC",
    "REMOTESVC_NAMED",
    "REMOTESVC_PICKLE",
    "Contender",
    "with_modules",
]


@dataclass(frozen=True)
class Contender:
    """One row of a table."""

    label: str
    module: str
    options: tuple[str, ...] = ()


BARE = Contender("bare interpreter", "bench.peers.bare_peer")
EXECNET = Contender("execnet", "bench.peers.execnet_peer")
MITOGEN = Contender("mitogen", "bench.peers.mitogen_peer")
OPENSSH = Contender("plain `ssh host python3 -c`", "bench.peers.openssh_peer")
PARAMIKO = Contender("paramiko, connect + exec + read", "bench.peers.paramiko_peer")
REMOTESVC = Contender("remotesvc", "bench.peers.remotesvc_peer")

# The same interpreter, but named, so that it cannot be known to be the same: the child gets
# source and compiles it, as on any other host.
REMOTESVC_NAMED = Contender(
    "remotesvc, compiling there", "bench.peers.remotesvc_peer", ("--python", sys.executable)
)

# Results as pickles, which is for children that are trusted with everything.
REMOTESVC_PICKLE = Contender(
    'remotesvc, results="pickle"', "bench.peers.remotesvc_peer", ("--results", "pickle")
)


def with_modules(contender: Contender, folder: str) -> Contender:
    """Return the same peer with a first call that imports the 60 modules in `folder`."""
    label = f"{contender.label}, 60 modules"
    return Contender(label, contender.module, (*contender.options, "--modules", folder))
