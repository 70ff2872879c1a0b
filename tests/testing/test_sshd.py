"""The configuration that sshd gets."""

import subprocess
from pathlib import Path

import pytest

from remotesvc.testing.options import ServerOptions
from remotesvc.testing.server import ServerStartError, start_server
from remotesvc.testing.sshd import find_sshd, prepare_sshd, sshd_config
from tests.testing.client import connected, run

FOLDER = Path("/somewhere")


def test_extra_lines_come_first_and_take_the_place_of_ours() -> None:
    options = ServerOptions(extra_config=("MaxStartups 2", "usepam=yes"))

    lines = sshd_config(FOLDER, 2222, "banner", options).splitlines()

    assert lines[:2] == ["MaxStartups 2", "usepam=yes"]
    assert not {"MaxStartups 1000", "UsePAM no"} & set(lines)


def test_all_variables_are_in_one_line_and_quoted() -> None:
    options = ServerOptions(environment=(("PATH", "/a b"), ("QUOTE", 'say "hi" \\')))

    lines = sshd_config(FOLDER, 2222, "banner", options).splitlines()

    assert 'SetEnv "PATH=/a b" "QUOTE=say \\"hi\\" \\\\"' in lines


def test_only_the_given_users_and_host_keys_are_configured() -> None:
    options = ServerOptions(users=("web", "root"), host_key_types=("rsa", "ecdsa"))

    lines = sshd_config(FOLDER, 2222, "banner", options).splitlines()

    assert "AllowUsers web root" in lines
    assert [line for line in lines if line.startswith("HostKey ")] == [
        "HostKey /somewhere/host_rsa",
        "HostKey /somewhere/host_ecdsa",
    ]


@pytest.mark.sshd
def test_the_command_line_names_sshd_by_its_absolute_path(tmp_path: Path) -> None:
    program = _sshd()

    command = prepare_sshd(program, tmp_path, 2222, "banner", ServerOptions())

    assert Path(command[0]).is_absolute()
    assert (tmp_path / "sshd_config").is_file()


@pytest.mark.sshd
def test_sshd_finds_no_fault_with_the_configuration(tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "host_ed25519"],
        check=True,
    )
    options = ServerOptions(environment=(("A", 'b "c"'),), shell="/bin/sh")

    command = prepare_sshd(_sshd(), tmp_path, 2222, "banner", options)
    done = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")
    assert "eprecated" not in done.stderr


@pytest.mark.sshd
def test_a_bad_configuration_is_an_error_with_the_log() -> None:
    _sshd()

    with pytest.raises(ServerStartError, match="Bad configuration option: NoSuchThing"):
        start_server("sshd", ServerOptions(extra_config=("NoSuchThing yes",)))


@pytest.mark.sshd
def test_a_key_with_a_forced_command_runs_that_command_only() -> None:
    _sshd()
    options = ServerOptions(authorized_keys_options='command="echo menu",no-pty')

    with start_server("sshd", options) as server, connected(server) as client:
        assert run(client, "echo mine").output == b"menu\n"


def _sshd() -> Path:
    program = find_sshd()
    if program is None:
        pytest.skip("no sshd on this machine")
    return program
