"""Ways: the methods of a Router that open contexts, one for each connector.

They name the option that says where to, and what the context is called; the connector's own
options (docs/connectors.md, docs/ssh.md) and those of all contexts (docs/python.md) go through.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Sequence

    from ..core.context import Context

__all__ = ["Ways"]

# The options of every context, whatever opens it.
COMMON = ("name", "connect_timeout", "env", "cwd", "results", "pool_size")


class Ways:
    """What a Router inherits: it opens what these methods ask for."""

    def _open(
        self, kind: "str", where: "str", opts: "Dict[str, Any]", *args: "Any", **common: "Any"
    ) -> "Context":
        raise NotImplementedError

    def open(self, kind: "str", where: "Optional[str]" = None, **opts: "Any") -> "Context":
        """Open a context by the name of a connector, which may come from another package.

        where: what to call it in errors, and if `name` is not given. Options: `name`,
        `connect_timeout`, `env`, `cwd`, `results`, `pool_size`, and those of the connector.
        """
        common = {option: opts.pop(option) for option in COMMON if option in opts}
        return self._open(kind, where or kind, opts, **common)

    def local(
        self,
        name: "Optional[str]" = None,
        connect_timeout: "float" = 30,
        env: "Optional[Dict[str, str]]" = None,
        cwd: "Optional[str]" = None,
        results: "str" = "plain",
        pool_size: "Optional[int]" = None,
        **opts: "Any",
    ) -> "Context":
        """Start a child on this host. `python_path` names one interpreter, or several to try.

        pool_size: the threads that its services have, 16 if it is not given.
        results: "pickle" makes its calls ask for pickled results. Who may send a pickle may run
        code here: only for a child, and a host, that you trust as you trust this program.
        """
        common = (name, connect_timeout, env, cwd, results, pool_size)
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
        transport: "str" = "paramiko",
        **opts: "Any",
    ) -> "Context":
        """Log in to a host and start a child there; options in docs/ssh.md.

        Returns once everything is written, with paramiko after the login: the first call, or
        `context.info`, raises InterpreterError or BootstrapError if no child came up.
        """
        timeout = 30.0 if connect_timeout is None else connect_timeout
        common = (name, timeout, env, cwd, results, pool_size)
        if transport == "openssh":
            return self._open("openssh", host, dict(opts, host=host), *common)
        opts = dict(opts, host=host, is_default_timeout=connect_timeout is None)
        return self._open("ssh", host, dict(opts, transport=transport), *common)

    # -- becoming another user -------------------------------------------------------------------

    def sudo(self, username: "str" = "root", **opts: "Any") -> "Context":
        """Become a user of this host by sudo. `password` is typed into its own prompt, once."""
        return self.open("sudo", "sudo:%s" % username, username=username, **opts)

    def su(self, username: "str" = "root", **opts: "Any") -> "Context":
        """Become a user of this host by su, with that user's password."""
        return self.open("su", "su:%s" % username, username=username, **opts)

    def doas(self, username: "str" = "root", **opts: "Any") -> "Context":
        """Become a user of this host by doas."""
        return self.open("doas", "doas:%s" % username, username=username, **opts)

    # -- containers, and what is like one --------------------------------------------------------

    def podman(self, container: "str", **opts: "Any") -> "Context":
        """Start a child in a podman container that runs; `user`, `workdir`."""
        return self.open("podman", "podman:%s" % container, container=container, **opts)

    def docker(self, container: "str", **opts: "Any") -> "Context":
        """Start a child in a docker container that runs; `user`, `workdir`."""
        return self.open("docker", "docker:%s" % container, container=container, **opts)

    def kubectl(self, pod: "str", **opts: "Any") -> "Context":
        """Start a child in a pod; `namespace`, `container`, `cluster`."""
        return self.open("kubectl", "kubectl:%s" % pod, pod=pod, **opts)

    def lxc(self, instance: "str", **opts: "Any") -> "Context":
        """Start a child in an instance of incus, LXD or LXC; `user` (a number), `workdir`."""
        return self.open("lxc", "lxc:%s" % instance, instance=instance, **opts)

    def nspawn(self, machine: "str", **opts: "Any") -> "Context":
        """Start a child in a machine of systemd-nspawn, named or by its leader's pid."""
        return self.open("nspawn", "nspawn:%s" % machine, machine=machine, **opts)

    def chroot(self, root: "str", **opts: "Any") -> "Context":
        """Start a child in another root folder; `user`."""
        return self.open("chroot", "chroot:%s" % root, root=root, **opts)

    def exec(self, template: "Sequence[str]", **opts: "Any") -> "Context":
        """Start a child by any program: a list of words with {command}, {line} or {python}."""
        where = "exec:%s" % (template[0] if template else "")
        return self.open("exec", where, template=template, **opts)
