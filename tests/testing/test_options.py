"""Options say which kind of server can fulfil them."""

import os
import pwd

import pytest

from remotesvc.testing.options import Kind, ServerOptions, current_user
from remotesvc.testing.server import available_kinds


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (ServerOptions(), {"sshd", "embedded"}),
        (ServerOptions(environment=(("A", "b"),), shell="/bin/sh"), {"sshd", "embedded"}),
        (ServerOptions(extra_config=("MaxStartups 1",)), {"sshd"}),
        (ServerOptions(authorized_keys_options='command="true"'), {"sshd"}),
        (ServerOptions(password="secret"), {"embedded"}),
        (ServerOptions(interactive=(("Code: ", "1"),)), {"embedded"}),
    ],
)
def test_needs_names_the_kinds_that_can_do_it(options: ServerOptions, kinds: set[Kind]) -> None:
    assert options.needs() == kinds


def test_options_that_no_kind_has_together_are_refused_by_name() -> None:
    options = ServerOptions(password="secret", extra_config=("MaxStartups 1",))

    with pytest.raises(ValueError, match=r"extra_config.*password"):
        options.needs()


def test_the_account_of_this_process_may_log_in_by_default() -> None:
    assert ServerOptions().accounts() == (current_user(),)
    assert ServerOptions(users=("web", "root")).accounts() == ("web", "root")


def test_a_process_without_an_account_has_a_name_and_the_embedded_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def find_none(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", find_none)
    monkeypatch.setenv("USER", "web")
    assert current_user() == "web"
    monkeypatch.delenv("USER")
    assert current_user() == f"uid{os.geteuid()}"
    assert available_kinds() == ("embedded",)


def test_secrets_are_not_in_the_repr() -> None:
    options = ServerOptions(
        password="hidden1", passphrase="hidden2", interactive=(("Code: ", "hidden3"),)
    )

    assert "hidden" not in repr(options)
