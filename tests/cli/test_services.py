"""`remotesvc services`: what is active, as a list and as JSON."""

import pytest

from remotesvc.testing.server import SshServer
from tests.cli.program import Done, Program

LOGS = "app.logs.LogService"

LISTED = """\
app.logs.LogService (SerializedInvoker): 0 calls, 0 errors, 0 waiting
  fail(reason='nothing there'): AllowParents
  fail_unheard(): no reply, AllowParents
  forget(path): no reply, AllowParents
  never(): Nobody
  tail(path: str, lines: int = 10): AllowParents
      Return the last lines.
  whoami(**others): AllowAny and AllowParents
"""


def test_fresh_child_has_nothing_active_and_one_line_says_what_to_do(remotesvc: Program) -> None:
    done = remotesvc("services", "@local")

    assert (done.code, done.out) == (0, "")
    (line,) = done.err.splitlines()
    assert line.startswith("@local: no service is active: ")
    assert "--activate module.Class" in line


def test_activated_service_is_listed_with_its_methods(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("services", "-F", server.config_file, "web1", "--activate", LOGS)

    assert done == Done(0, LISTED, "")


def test_several_hosts_and_services_name_the_host_in_every_line(
    remotesvc: Program, server: SshServer
) -> None:
    streams = "app.logs.StreamService"
    done = remotesvc(
        "services", "-F", server.config_file, "web1,web2", "--activate", LOGS, "--activate",
        streams,
    )  # fmt: skip

    assert done.code == 0
    for host in ("web1", "web2"):
        lines = [line for line in done.out.splitlines() if line.startswith(f"{host}: ")]
        assert lines[: LISTED.count("\n")] == [f"{host}: {line}" for line in LISTED.splitlines()]
        assert f"{host}: {streams} (Invoker): 0 calls, 0 errors, 0 waiting" in lines
        assert f"{host}:   count(end: int): yields, AllowParents" in lines
    assert done.err.startswith("2 ok in ")


def test_list_has_a_json_form(remotesvc: Program) -> None:
    done = remotesvc("services", "@local", "--activate", LOGS, "--json")

    (record,) = done.records
    assert (done.code, record["outcome"], record["error"]) == (0, "ok", None)
    (service,) = record["result"]
    assert (service["name"], service["invoker"]) == (LOGS, "SerializedInvoker")
    assert (service["calls"], service["errors"], service["waiting"]) == (0, 0, 0)
    (tail,) = (method for method in service["methods"] if method["name"] == "tail")
    assert tail["arguments"] == [["path", "str", ""], ["lines", "int", "10"]]
    assert tail["policies"] == ["AllowParents"]
    assert tail["doc"].startswith("Return the last lines.")
    assert remotesvc("services", "@local", "--json").records[0]["result"] == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("logs", "remotesvc services: 'logs' is one word: write module.Class, for example"),
        ("os.path", "remotesvc services: os.path: the standard library has no services"),
        ("app..logs", "remotesvc services: 'app..logs' names no service"),
        ("app.logs.Lg", "@local: service app.logs.Lg: there is no app.logs.Lg"),
        ("app.logs.Plain", "@local: service app.logs.Plain: that is a class, but no Service"),
        ("app.logs.function", "@local: service app.logs.function: that is a function"),
        ("app.logs", "@local: service app.logs: that is a module"),
        ("nowhere.Service", "@local: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_service_that_cannot_be_activated_is_told_in_one_line(
    remotesvc: Program, name: str, expected: str
) -> None:
    done = remotesvc("services", "@local", "--activate", name)

    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert line.startswith(expected)


def test_constructor_that_raises_shows_its_remote_lines(remotesvc: Program) -> None:
    done = remotesvc("services", "@local", "--activate", "app.logs.Broken")

    assert (done.code, done.out) == (1, "")
    assert done.err.splitlines()[-1] == "@local: OSError: no disk"
    assert 'raise OSError("no disk")' in done.err
