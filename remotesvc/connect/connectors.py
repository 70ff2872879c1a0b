"""Where the connectors are: ours in a table, those of others by an entry point."""

import importlib

from ..core.errors import ConnectError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..types import Connector

__all__ = ["CONNECTORS", "GROUP", "find_connector"]

# How each kind of context is opened: connect(router, context_id, attempt, **opts) -> Connection.
# TARGET, in the same module, is the option that a name such as "podman:web" ends with.
CONNECTORS = {
    "attach": "remotesvc.connect.attach",
    "chroot": "remotesvc.connect.chroot",
    "doas": "remotesvc.connect.doas",
    "docker": "remotesvc.connect.docker",
    "exec": "remotesvc.connect.exec",
    "kubectl": "remotesvc.connect.kubectl",
    "local": "remotesvc.connect.local",
    "lxc": "remotesvc.connect.lxc",
    "nspawn": "remotesvc.connect.nspawn",
    "openssh": "remotesvc.connect.openssh",
    "podman": "remotesvc.connect.podman",
    "ssh": "remotesvc.controller.ssh",
    "su": "remotesvc.connect.su",
    "sudo": "remotesvc.connect.sudo",
}

# Where packages of others name theirs: kind = module.
GROUP = "remotesvc.connectors"


def find_connector(kind: "str") -> "Connector":
    """Return the module that opens a kind of context; ConnectError where there is none."""
    name = CONNECTORS.get(kind)
    return importlib.import_module(name) if name is not None else _find_foreign(kind)


def _find_foreign(kind: "str") -> "Connector":
    found = {}
    try:
        from importlib import metadata  # Python 3.8
    except ImportError:
        pass
    else:
        points = metadata.entry_points()
        # Before 3.10 it is a dict, and knows no select.
        ours = points.select(group=GROUP) if hasattr(points, "select") else points.get(GROUP, ())
        found = {point.name: point for point in ours}
    if kind not in found:
        text = "kind %r: there is no such connector; there are %s, and what is installed with an "
        text += "entry point in the group %s"
        raise ConnectError(
            text % (kind, ", ".join(sorted({*CONNECTORS, *found})), GROUP), "resolve"
        )
    connector: "Connector" = found[kind].load()
    return connector
