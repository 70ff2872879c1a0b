"""Our verdicts on host keys beside those of the OpenSSH client, against a real sshd.

ssh starts sshd itself, over a pipe (`sshd -i` as its ProxyCommand): no port, no daemon.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from remotesvc.controller.known_hosts import (
    Changed,
    Known,
    KnownHosts,
    Revoked,
    Unknown,
    Verdict,
)
from remotesvc.testing.sshd import find_sshd, make_privilege_folder

SSHD = find_sshd()

pytestmark = pytest.mark.skipif(
    SSHD is None or shutil.which("ssh") is None, reason="no ssh and sshd to compare with"
)

SAID_BY_SSH: dict[str, type[Verdict]] = {
    "marked as revoked": Revoked,
    "IDENTIFICATION HAS CHANGED": Changed,
    "host key is known for": Unknown,
    "Permission denied": Known,
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    make_privilege_folder()
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in (("host", "ed25519"), ("other", "ed25519"), ("rsa", "rsa")):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(folder / name)], check=True
        )
    (folder / "sshd_config").write_text(f"HostKey {folder}/host\nPidFile none\n")
    return folder


def public(keys: Path, name: str) -> str:
    return " ".join((keys / f"{name}.pub").read_text().split()[:2])


def verdict_of_ssh(keys: Path, known_hosts: Path, port: int) -> type[Verdict]:
    options = {
        "BatchMode": "yes",
        "GlobalKnownHostsFile": "none",
        "PreferredAuthentications": "none",
        "ProxyCommand": f"{SSHD} -i -f {keys}/sshd_config 2>/dev/null",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": str(known_hosts),
    }
    given = [f"-o{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        ["ssh", "-F", "none", "-p", str(port), *given, "web1", "true"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
        timeout=60,
    )
    found = [verdict for text, verdict in SAID_BY_SSH.items() if text in done.stderr]
    assert found, done.stderr
    return found[0]


@pytest.mark.parametrize("port", [22, 2222])
@pytest.mark.parametrize(
    "lines",
    [
        "",
        "web1 {host}",
        "[web1]:2222 {host}",
        "web1 {other}",
        "[web1]:2222 {other}",
        "web1 {rsa}",
        "[web1]:2222 {rsa}\nweb1 {host}",
        "web1 {other}\nweb1 {host}",
        "* {host}",
        "*,!web1 {host}",
        "[web1]:* {host}",
        "*,![web1]:2222 {host}",
        "@revoked * {host}\nweb1 {host}\n[web1]:2222 {host}",
        "web1 {host}\n@revoked * {other}",
        "@cert-authority * {host}",
        "junk\n@what * {host}\nweb1 ssh-rsa AAAA\nweb1 {host}garbage",
        "junk\n\tweb1\t{host} c\r\n#",
    ],
)
def test_verdict_is_that_of_ssh(tmp_path: Path, keys: Path, lines: str, port: int) -> None:
    path = tmp_path / "known_hosts"
    shown = public(keys, "host")
    named = {name: public(keys, name) for name in ("host", "other", "rsa")}
    path.write_text(lines.format(**named) + "\n")
    key_type, text = shown.split()

    ours = KnownHosts.read([str(path)]).judge("web1", port, key_type, base64.b64decode(text))

    assert type(ours) is verdict_of_ssh(keys, path, port)
