"""Says how to reach a host: what ssh_config means for it, as OpenSSH reads it.

`~/.ssh/config`, then `/etc/ssh/ssh_config`, or the one file that the caller names, like -F;
of each directive the first value counts, and what the caller says counts before all files.

Plain files are read here, because starting ssh costs milliseconds for each host; what only
OpenSSH can tell (`ssh_config_select.line_for_openssh`) is asked of `ssh -G`. paramiko's own
parser was tried first: it knows no Include, reads `[` in a pattern as a set, takes a Match
condition that it does not know for true, and leaves quotes, comments and tokens in values.

Unlike ssh, `~` is $HOME where that is set: so it is in every other program written in Python.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence

from remotesvc.controller.ssh_config.destination import check_host, check_user, split_destination
from remotesvc.controller.ssh_config.dump import ask_ssh
from remotesvc.controller.ssh_config.lines import (
    ConfigFile,
    ConfigLine,
    read_config_file,
    walk_lines,
)
from remotesvc.controller.ssh_config.select import (
    Viewpoint,
    is_known_keyword,
    line_for_openssh,
    select_lines,
)
from remotesvc.controller.ssh_config.settings import SshSettings, interpret
from remotesvc.controller.ssh_config.tokens import local_user
from remotesvc.controller.ssh_config.values import check_values
from remotesvc.core.errors import ConnectError

__all__ = ["SshSettings", "read_settings", "split_destination"]

SSH_TIMEOUT = 30.0
"""Seconds for `ssh -G`: a Match exec may well try whether a host answers."""

_SYSTEM_FOLDER = "/etc/ssh"


def read_settings(
    host: str,
    *,
    config_file: str | None = None,
    user: str | None = None,
    port: int | None = None,
    ssh_program: str | None = "ssh",
) -> SshSettings:
    """Return what ssh_config means for a host.

    `config_file` None reads the two usual files, a name only that one, "none" no file at all.
    `ssh_program` is looked up on PATH, and run only when a file needs it; None runs nothing.
    Raises ConnectError (phase resolve), with file and line where there is one.
    """
    viewpoint = Viewpoint(
        check_host(host), None if user is None else check_user(user), local_user()
    )
    files = _read_files(config_file)
    check_values(walk_lines(files))
    line = line_for_openssh(files)
    if line is None:
        lines = select_lines(files, viewpoint)
    else:
        program = _find_ssh(line, ssh_program)
        _check_home(line, config_file)
        lines = ask_ssh(
            program,
            viewpoint,
            port=port,
            config_file=config_file,
            mentioned=_mentioned(files),
            timeout=SSH_TIMEOUT,
        )
    return interpret(lines, viewpoint, port)


def _read_files(config_file: str | None) -> tuple[ConfigFile, ...]:
    own_folder = os.path.expanduser("~/.ssh")
    if config_file is None:
        own = _read_if_there(os.path.join(own_folder, "config"), own_folder, is_checked=True)
        system = _read_if_there(f"{_SYSTEM_FOLDER}/ssh_config", _SYSTEM_FOLDER, is_checked=False)
        return (*own, *system)
    if config_file == "none":
        return ()
    try:
        return (read_config_file(config_file, base=own_folder),)
    except OSError as error:
        raise ConnectError(
            f"the configuration file {config_file} cannot be read: {error.strerror}; "
            f"correct config_file=, or give 'none' for no file",
            phase="resolve",
        ) from error


def _read_if_there(path: str, base: str, *, is_checked: bool) -> tuple[ConfigFile, ...]:
    try:
        return (read_config_file(path, base=base, is_checked=is_checked),)
    except OSError:
        # ssh goes on without a file of its own accord that is missing or closed to it.
        return ()


def _find_ssh(line: ConfigLine, ssh_program: str | None) -> str:
    program = None if ssh_program is None else shutil.which(ssh_program)
    if program is not None:
        return program
    if line.keyword not in ("match", "include") and not is_known_keyword(line.keyword):
        raise line.problem(
            f"OpenSSH has no directive {line.keyword}", "correct it or name it in IgnoreUnknown"
        )
    raise line.problem(
        f"only the ssh program can tell what {line.keyword} means here, and there is none",
        "install an OpenSSH client, or give a simpler file with config_file=",
    )


def _check_home(line: ConfigLine, config_file: str | None) -> None:
    if config_file is not None:
        return
    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return
    if os.path.realpath(os.path.expanduser("~")) != os.path.realpath(home):
        # ssh looks into the passwd entry only: its answer would come from another file.
        raise line.problem(
            f"only ssh can tell what {line.keyword} means here, but it reads {home}/.ssh/config "
            f"and HOME says {os.environ.get('HOME')}",
            "name the file with config_file=, or correct HOME",
        )


def _mentioned(files: Sequence[ConfigFile]) -> frozenset[str] | None:
    lines = tuple(walk_lines(files))
    if any("%" in word for line in lines if line.keyword == "include" for word in line.words):
        return None
    return frozenset(line.keyword for line in lines)
