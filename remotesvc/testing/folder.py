"""The folder of one throw-away server: its keys, and what a client needs to reach it.

Only this file knows which files are in it and how they are laid out:

    host_TYPE            a private host key for each type asked for
    id_user              the private key of the user, readable by its owner only
    authorized_keys      its public half, if the server is to accept it
    known_hosts          the host keys, if they are to be known
    ssh_config           one Host block with all aliases
    ssh_config.PORT      the same server through something that listens on PORT
    log                  what the server says (written by the supervisor)
"""

from dataclasses import dataclass, field
from pathlib import Path

from remotesvc.testing.keys import make_key
from remotesvc.testing.options import Kind, ServerOptions, current_user

__all__ = ["HOST", "ServerInfo", "write_client_files", "write_config_for_port", "write_keys"]

HOST = "127.0.0.1"

_HOST_BLOCK = """\
Host {names}
    HostName {host}
    Port {port}
    User {user}
    IdentityFile {identity_file}
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {known_hosts}
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
"""


@dataclass(frozen=True)
class ServerInfo:
    """Where a server is, and what a client needs to log in; it stays true after detach."""

    kind: Kind
    port: int
    user: str
    folder: Path
    aliases: tuple[str, ...]
    host_keys: tuple[str, ...]
    password: str | None = field(default=None, repr=False)
    client_config: tuple[str, ...] = ()
    host: str = HOST

    @property
    def identity_file(self) -> Path:
        """The user's private key."""
        return self.folder / "id_user"

    @property
    def config_file(self) -> Path:
        """An ssh_config with this server alone."""
        return self.folder / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        """A known_hosts file; empty when the server is not to be known."""
        return self.folder / "known_hosts"

    def host_block(self, port: int | None = None) -> str:
        """Return the ssh_config lines for this server, or for it behind another port."""
        block = _HOST_BLOCK.format(
            names=" ".join(self.aliases),
            host=self.host,
            port=self.port if port is None else port,
            user=self.user,
            identity_file=self.identity_file,
            known_hosts=self.known_hosts,
        )
        return block + "".join(f"    {line}\n" for line in self.client_config)


def write_keys(folder: Path, options: ServerOptions) -> tuple[str, ...]:
    """Make all keys of a server in its folder; return the public host keys."""
    public = []
    for key_type in options.host_key_types:
        pair = make_key(key_type)
        _write_private(folder / f"host_{key_type}", pair.private)
        public.append(pair.public)
    user = make_key(options.user_key_type, options.passphrase)
    _write_private(folder / "id_user", user.private)
    authorized = folder / "authorized_keys"
    line = f"{options.authorized_keys_options} {user.public}\n".lstrip()
    authorized.write_text(line if options.accept_user_keys else "")
    if set(options.accounts()) - {current_user()}:
        # sshd reads this file with the rights of the account that logs in.
        folder.chmod(0o711)
        authorized.chmod(0o644)
    return tuple(public)


def write_client_files(info: ServerInfo, known: bool) -> None:
    """Write ssh_config and known_hosts."""
    info.config_file.write_text(info.host_block())
    info.known_hosts.write_text(_known_lines(info, info.port) if known else "")


def write_config_for_port(info: ServerInfo, port: int) -> Path:
    """Write and return an ssh_config for the server behind `port`, with the same trust in it."""
    path = info.folder / f"ssh_config.{port}"
    path.write_text(info.host_block(port))
    if info.known_hosts.read_text():
        with info.known_hosts.open("a") as stream:
            stream.write(_known_lines(info, port))
    return path


def _known_lines(info: ServerInfo, port: int) -> str:
    return "".join(f"[{info.host}]:{port} {key}\n" for key in info.host_keys)


def _write_private(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
