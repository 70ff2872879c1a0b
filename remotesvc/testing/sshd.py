"""Knows the system's sshd: where it is, its configuration file, its command line.

No file below /etc is read, nothing is written outside the server's folder, except that root's
sshd wants the empty folder /run/sshd to exist.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from remotesvc.testing.options import ServerOptions

__all__ = ["find_sshd", "make_privilege_folder", "prepare_sshd", "sshd_config"]

# Where distributions and Homebrew keep it; an ordinary user's PATH has none of these.
SSHD_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/sbin")

# root's sshd locks its unprivileged half into this folder. Shared by every sshd of the machine,
# so it is made when missing and never removed.
PRIVILEGE_FOLDER = Path("/run/sshd")

# The first release that punishes an address for failed logins, here the address of all tests.
FIRST_WITH_PENALTIES = (9, 8)

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
PidFile none
VersionAddendum {banner}
LogLevel VERBOSE
StrictModes no
UsePAM no
PermitRootLogin yes
PubkeyAuthentication {accept_user_keys}
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxAuthTries 20
MaxStartups 1000
MaxSessions 1000
UseDNS no
PrintMotd no
PrintLastLog no
PermitUserRC no
Subsystem sftp internal-sftp
"""


def find_sshd() -> Path | None:
    """Return the absolute path of sshd (it starts itself again, and refuses any other)."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *SSHD_FOLDERS))
    found = shutil.which("sshd", path=path)
    return None if found is None else Path(found).absolute()


def make_privilege_folder() -> None:
    """Make the folder without which root's sshd does not start; other accounts' needs none."""
    if os.geteuid() == 0:
        PRIVILEGE_FOLDER.mkdir(mode=0o755, exist_ok=True)


def prepare_sshd(
    program: Path, folder: Path, port: int, banner: str, options: ServerOptions
) -> tuple[str, ...]:
    """Write sshd_config into the folder; return the command line."""
    make_privilege_folder()
    config = sshd_config(folder, port, banner, options)
    if _version(program) >= FIRST_WITH_PENALTIES:
        config += "PerSourcePenalties no\n"
    path = folder / "sshd_config"
    path.write_text(config)
    return (str(program), "-D", "-e", "-f", str(path))


def sshd_config(folder: Path, port: int, banner: str, options: ServerOptions) -> str:
    """Return the text of sshd_config; a keyword in `extra_config` takes the place of ours.

    Of most that come twice sshd takes the first, of MaxStartups the last, of ListenAddress both.
    """
    lines = [*options.extra_config]
    lines += [f"HostKey {folder / f'host_{key_type}'}" for key_type in options.host_key_types]
    lines.append("AllowUsers " + " ".join(options.accounts()))
    if options.environment:
        # One line for all: sshd ignores a second SetEnv.
        pairs = (_quote(f"{name}={value}") for name, value in options.environment)
        lines.append("SetEnv " + " ".join(pairs))
    if options.shell is not None:
        # The account's own shell does nothing but to replace itself by the one asked for.
        lines.append(f'ForceCommand exec {options.shell} -c "$SSH_ORIGINAL_COMMAND"')
    fixed = _CONFIG.format(
        port=port,
        banner=banner,
        folder=folder,
        accept_user_keys="yes" if options.accept_user_keys else "no",
    )
    given = {_keyword(line) for line in options.extra_config}
    lines += [line for line in fixed.splitlines() if _keyword(line) not in given]
    return "\n".join(lines) + "\n"


def _keyword(line: str) -> str:
    return re.split(r"[\s=]", line.strip(), maxsplit=1)[0].lower()


def _quote(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _version(program: Path) -> tuple[int, int]:
    # Releases that do not know -V answer with a usage text that begins with the version too.
    done = subprocess.run([str(program), "-V"], capture_output=True, text=True, check=False)
    match = re.search(r"OpenSSH_(\d+)\.(\d+)", done.stderr + done.stdout)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)
