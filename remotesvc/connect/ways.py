"""Ways: the methods of a Router that open contexts, one for each connector.

They name the option that says where to, and what the context is called; the connector's own
options (docs/connectors.md, docs/ssh.md) and those of all contexts (docs/python.md) go through.
"""

from .connectors import find_connector
from .passage import Passage, share
from .spec import parse_spec
from .typist import hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

    from ..core.context import Context
    from .spec import Part

__all__ = ["Ways"]

# The options of every context, whatever opens it.
COMMON = ("name", "connect_timeout", "env", "cwd", "results", "pool_size", "via")

# Those that no traceback may show.
SECRETS = ("password", "passphrase")


class Ways:
    """What a Router inherits: it opens what these methods ask for."""

    def _open(
        self, kind: "str", where: "str", opts: "Dict[str, Any]", *args: "Any", **common: "Any"
    ) -> "Context":
        raise NotImplementedError

    def open(self, kind: "str", **opts: "Any") -> "Context":
        """Open a context by the name of a connector, which may come from another package.

        Options: `name`, `connect_timeout`, `env`, `cwd`, `results`, `pool_size`, `via`, and those
        of the connector; ConnectError if there is none of that name. via: the context that the
        connector runs in, one of ours; it is trusted with all that the new one gets and says.
        """
        target = getattr(find_connector(kind), "TARGET", None)
        where = "%s:%s" % (kind, opts[target]) if target in opts else kind
        return self._reach(kind, where, opts)

    def connect(self, spec: "str", via: "Optional[Context]" = None, **opts: "Any") -> "Context":
        """Open a chain of contexts, each in the one before it, and return the last.

        spec: such as "bastion/sudo:root/podman:web" (docs/connectors.md); every part but the last
        may be the name of a context that is open, which is used then. The options are those of
        the last one, and of its connector. ConnectError (phase resolve) for what is no chain. If
        one of them fails before it is ready, those that were opened for this chain are closed.
        """
        parts = parse_spec(spec)
        passage = Passage()
        try:
            for part in parts[:-1]:
                found = self._find_part(part, via)
                via = found or self._open_part(part, via, {})
                if found is None:
                    passage.add(via)
            last = self._open_part(parts[-1], via, opts)
        except BaseException:
            passage.close()
            raise
        passage.watch(last)
        return last

    def _find_part(self, part: "Part", via: "Optional[Context]") -> "Optional[Context]":
        for context in self.contexts:
            if context.connected and _is_meant(context, part, via):
                share(context)
                return context
        return None

    def _open_part(
        self, part: "Part", via: "Optional[Context]", opts: "Dict[str, Any]"
    ) -> "Context":
        target = (part.target,) if part.target else ()
        opened: "Context" = getattr(self, part.kind)(*target, via=via, **opts)
        return opened

    @property
    def contexts(self) -> "List[Context]":
        """The contexts that were opened from here."""
        raise NotImplementedError

    def _reach(self, kind: "str", where: "str", opts: "Dict[str, Any]") -> "Context":
        _hide(opts)
        common = {option: opts.pop(option) for option in COMMON if option in opts}
        return self._open(kind, where, opts, **common)

    def local(
        self,
        name: "Optional[str]" = None,
        connect_timeout: "float" = 30,
        env: "Optional[Dict[str, str]]" = None,
        cwd: "Optional[str]" = None,
        results: "str" = "plain",
        pool_size: "Optional[int]" = None,
        via: "Optional[Context]" = None,
        **opts: "Any",
    ) -> "Context":
        """Start a child on this host, or on that of `via`.

        python_path: one interpreter, or several to try; without it, the one that this runs in.
        pool_size: the threads that its services have, 16 if it is not given.
        results: "pickle" makes its calls ask for pickled results. Who may send a pickle may run
        code here: only for a child, and a host, that you trust as you trust this program.
        """
        common = (name, connect_timeout, env, cwd, results, pool_size, via)
        return self._open("local", "local", opts, *common)

    def ssh(
        self,
        host: "str",
        name: "Optional[str]" = None,
        connect_timeout: "Optional[float]" = None,
        env: "Optional[Dict[str, str]]" = None,
        cwd: "Optional[str]" = None,
        results: "str" = "plain",
        pool_size: "Optional[int]" = None,
        via: "Optional[Context]" = None,
        transport: "Optional[str]" = None,
        **opts: "Any",
    ) -> "Context":
        """Log in to a host and start a child there; options in docs/ssh.md.

        Returns once everything is written, with paramiko after the login: the first call, or
        `context.info`, raises InterpreterError or BootstrapError if no child came up. With `via`
        the ssh program of that context's host logs in, with what it has; `jump` trusts nobody on
        the way.
        """
        _hide(opts)
        timeout = 30.0 if connect_timeout is None else connect_timeout
        common = (name, timeout, env, cwd, results, pool_size, via)
        if transport is None:
            transport = "paramiko" if via is None else "openssh"
        if via is not None and transport != "openssh":
            text = "transport=%r with via=: there it is the ssh program, 'openssh'"
            raise ValueError(text % (transport,))
        if transport == "openssh":
            return self._open("openssh", host, _with(opts, "host", host), *common)
        opts.update(host=host, is_default_timeout=connect_timeout is None, transport=transport)
        return self._open("ssh", host, opts, *common)

    def attach(self, address: "str", **opts: "Any") -> "Context":
        """Connect to a child that was detached, of this user, here or on the host of `via`.

        `address` is what `detach()` returned. `env` and `cwd` are those that it has.
        """
        return self._reach("attach", address, _with(opts, "address", address))

    def detached(self, via: "Optional[Context]" = None) -> "List[str]":
        """Return the addresses of this user's detached children, here or on the host of `via`."""
        from ..core.detach import list_detached

        return list_detached() if via is None else via.call(list_detached)

    # -- becoming another user -------------------------------------------------------------------

    def sudo(self, username: "str" = "root", **opts: "Any") -> "Context":
        """Become a user of this host by sudo. `password` is typed into its own prompt, once."""
        return self._reach("sudo", "sudo:%s" % username, _with(opts, "username", username))

    def su(self, username: "str" = "root", **opts: "Any") -> "Context":
        """Become a user of this host by su, with that user's password."""
        return self._reach("su", "su:%s" % username, _with(opts, "username", username))

    def doas(self, username: "str" = "root", **opts: "Any") -> "Context":
        """Become a user of this host by doas."""
        return self._reach("doas", "doas:%s" % username, _with(opts, "username", username))

    # -- containers, and what is like one --------------------------------------------------------

    def podman(self, container: "str", **opts: "Any") -> "Context":
        """Start a child in a podman container that runs; `user`, `workdir`."""
        return self._reach("podman", "podman:%s" % container, _with(opts, "container", container))

    def docker(self, container: "str", **opts: "Any") -> "Context":
        """Start a child in a docker container that runs; `user`, `workdir`."""
        return self._reach("docker", "docker:%s" % container, _with(opts, "container", container))

    def kubectl(self, pod: "str", **opts: "Any") -> "Context":
        """Start a child in a pod; `namespace`, `container`, `cluster`."""
        return self._reach("kubectl", "kubectl:%s" % pod, _with(opts, "pod", pod))

    def lxc(self, instance: "str", **opts: "Any") -> "Context":
        """Start a child in an instance of incus, LXD or LXC; `user` (a number), `workdir`."""
        return self._reach("lxc", "lxc:%s" % instance, _with(opts, "instance", instance))

    def nspawn(self, machine: "str", **opts: "Any") -> "Context":
        """Start a child in a machine of systemd-nspawn, named or by its leader's pid."""
        return self._reach("nspawn", "nspawn:%s" % machine, _with(opts, "machine", machine))

    def chroot(self, root: "str", **opts: "Any") -> "Context":
        """Start a child in another root folder; `user`."""
        return self._reach("chroot", "chroot:%s" % root, _with(opts, "root", root))

    def exec(self, template: "Sequence[str]", **opts: "Any") -> "Context":
        """Start a child by any program: a list of words with {command}, {line} or {python}."""
        where = "exec:%s" % (template[0] if template else "")
        return self._reach("exec", where, _with(opts, "template", template))


def _is_meant(context: "Context", part: "Part", via: "Optional[Context]") -> "bool":
    """Tell whether an open context is what a part of a chain names: by its name, or its kind."""
    names = {part.text, part.where}
    if via is None:
        return context.name in names
    is_behind = context.via is not None and context.via.id == via.id
    return is_behind and context.name in names.union("%s/%s" % (via.name, one) for one in names)


def _with(opts: "Dict[str, Any]", option: "str", value: "Any") -> "Dict[str, Any]":
    opts[option] = value
    return opts


def _hide(opts: "Dict[str, Any]") -> "None":
    """Have no traceback show a password: the dictionary is that of the caller's frame."""
    for option in SECRETS:
        if isinstance(opts.get(option), str):
            opts[option] = hide(opts[option])
