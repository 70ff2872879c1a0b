"""Asks the ssh program what its configuration says about a host: `ssh -G`.

For what only OpenSSH can tell: Match exec, CanonicalizeHostname, directives of a newer
release. It prints every setting, defaults included, one per line and without quotes; only
what the files speak of is kept, so that a default stays a default. A list of file names with
a space in one of them cannot be told apart in that output, and is split.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Collection

from remotesvc.controller.ssh_config.lines import ConfigLine
from remotesvc.controller.ssh_config.select import Viewpoint
from remotesvc.core.errors import ConnectError

__all__ = ["ask_ssh"]

_ALWAYS_KEPT = frozenset({"hostname", "port", "user"})
_LISTS = frozenset({"globalknownhostsfile", "userknownhostsfile"})
_EXPANDED_BY_SSH = frozenset({"hostname", "identityagent", "userknownhostsfile"})
_DEFAULT_IDENTITIES = frozenset({"~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ed25519"})
_FILE_AND_LINE = re.compile(r"^(.+?):? line (\d+): (.*)$")


def ask_ssh(
    program: str,
    viewpoint: Viewpoint,
    *,
    port: int | None,
    config_file: str | None,
    mentioned: Collection[str] | None,
    timeout: float,
) -> tuple[ConfigLine, ...]:
    """Return the settings that ssh finds for a host as lines, each keyword's first one counting.

    `mentioned` are the keywords that the files speak of, None to keep all. Raises ConnectError
    when ssh refuses the files or does not answer in `timeout` seconds; a command that a Match
    started is ended with it.
    """
    command = [program, "-T", "-G"]
    if config_file is not None:
        command += ["-F", config_file]
    if viewpoint.user is not None:
        command += ["-l", viewpoint.user]
    if port is not None:
        command += ["-p", str(port)]
    output = _run([*command, "--", viewpoint.host], viewpoint.host, timeout)
    lines = [_read_line(text) for text in output.split("\n") if " " in text]
    identities = {line.words[0] for line in lines if line.keyword == "identityfile"}
    return tuple(
        line
        for line in lines
        if (mentioned is None or line.keyword in mentioned or line.keyword in _ALWAYS_KEPT)
        and not (line.keyword == "identityfile" and identities >= _DEFAULT_IDENTITIES)
    )


def _read_line(text: str) -> ConfigLine:
    keyword, _, rest = text.partition(" ")
    keyword = keyword.lower()
    words = tuple(rest.split()) if keyword in _LISTS else (rest,)
    return ConfigLine("ssh -G", text, keyword, words, (), keyword in _EXPANDED_BY_SSH)


def _run(command: list[str], host: str, timeout: float) -> str:
    # A session of its own, so that what a Match exec started can be ended as a whole.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
        start_new_session=True,
    )
    with process:
        try:
            output, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise ConnectError(
                f"{' '.join(command)} gave no answer in {timeout:g} seconds; run it by hand to "
                f"see what it waits for (a Match exec, or a name lookup), or give another file "
                f"with config_file=",
                phase="resolve",
            ) from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise _refused(command, host, process.returncode, errors.decode("utf-8", "replace"))
    return output.decode("utf-8", "surrogateescape")


def _refused(command: list[str], host: str, status: int, errors: str) -> ConnectError:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    for line in lines:
        found = _FILE_AND_LINE.match(line)
        if found is not None:
            path, number, problem = found.groups()
            text = f"{path}:{number}: {problem}; correct that line"
            break
    else:
        text = (
            f"ssh refuses its configuration for {host}: {' / '.join(lines) or 'no reason given'}; "
            f"run it by hand: {' '.join(command)}"
        )
    return ConnectError(text, phase="resolve", exit_status=status, stderr=errors)
