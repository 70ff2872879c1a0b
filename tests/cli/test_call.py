"""`remotesvc call` where all goes well, or as well as the method does."""

import json
import os
from typing import Any

from remotesvc.testing.server import SshServer
from tests.cli.program import Done, Program
from tests.interpreters import find_interpreters

LOGS = "app.logs.LogService"
STREAMS = "app.logs.StreamService"

TAILED = "['/srv', 5, 'healthy']\n"


def records(done: Done, host: str) -> list[dict[str, Any]]:
    """Return the lines of --json that are about one host, in their order."""
    found = [json.loads(line) for line in done.out.splitlines()]
    return [record for record in found if record["host"] == host]


def test_service_from_the_current_folder_is_activated_by_the_call(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc(
        "call", "-F", server.config_file, "web1", f"{LOGS}.tail", "path=/srv", "lines=5"
    )

    assert done == Done(0, TAILED, "web1: looking at /srv\n")


def test_same_works_on_this_machine_and_words_without_a_key_take_the_names_of_the_def(
    remotesvc: Program,
) -> None:
    done = remotesvc("call", "@local", f"{LOGS}.tail", "/srv", "5")

    assert done == Done(0, TAILED, "@local: looking at /srv\n")


def test_values_are_literals_unless_text_is_asked_for(remotesvc: Program) -> None:
    words = ("call", "@local", f"{LOGS}.whoami", "a=5", "b=x")

    assert remotesvc(*words).out == "['whoami', {'a': 5, 'b': 'x'}]\n"
    assert remotesvc(*words, "--text").out == "['whoami', {'a': '5', 'b': 'x'}]\n"


def test_several_hosts_name_every_line_and_end_in_a_summary(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("call", "-F", server.config_file, "web1,web2", f"{LOGS}.tail", "/srv", "5")

    assert done.code == 0
    assert sorted(done.out.splitlines()) == [f"{host}: {TAILED[:-1]}" for host in ("web1", "web2")]
    *prints, summary = done.err.splitlines()
    assert sorted(prints) == ["web1: looking at /srv", "web2: looking at /srv"]
    assert summary.startswith("2 ok in ")


def test_inherited_method_is_called_by_the_name_of_the_class_that_inherits(
    remotesvc: Program,
) -> None:
    assert remotesvc("call", "@local", "app.logs.Heir.whoami") == Done(0, "['whoami', {}]\n", "")


def test_method_that_nobody_hears_of_prints_nothing_and_does_its_work(
    remotesvc: Program,
) -> None:
    path = remotesvc.folder / "forgotten"

    assert remotesvc("call", "@local", f"{LOGS}.forget", path) == Done(0, "", "")
    assert path.exists()


def test_method_that_nobody_hears_of_and_that_fails_is_a_line_of_the_log(
    remotesvc: Program,
) -> None:
    done = remotesvc("call", "@local", f"{LOGS}.fail_unheard")

    assert (done.code, done.out) == (0, "")
    first = done.err.splitlines()[0]
    assert first.startswith("@local: error: remotesvc.service: LogService.fail_unheard failed")
    assert "LookupError: nobody hears it" in done.err


def test_method_that_raises_shows_its_remote_lines_and_none_of_ours(remotesvc: Program) -> None:
    done = remotesvc("call", "@local", f"{LOGS}.fail")

    assert (done.code, done.out) == (1, "")
    lines = done.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert '/app/logs.py", line ' in lines[1]
    assert lines[2].strip() == "raise LookupError(reason)"
    assert lines[3:] == ["@local: LookupError: nothing there"]


def test_call_that_takes_too_long_times_out_and_is_ended(
    remotesvc: Program, places: os.PathLike[str]
) -> None:
    done = remotesvc("call", "@local", f"{STREAMS}.refuse", places, "--timeout", "0.5")

    assert (done.code, done.out) == (4, "")
    assert f"@local: {STREAMS}.refuse did not return within 0.5 s (--timeout)" in done.err


def test_what_would_travel_can_be_listed_without_a_host(remotesvc: Program) -> None:
    done = remotesvc("call", "nosuch.invalid", f"{LOGS}.tail", "/", "--dry-run")

    assert done.code == 0
    names = [line.split()[1] for line in done.out.splitlines()]
    assert names == ["app", "app.logs", "app.words"]
    assert done.err.endswith("Nothing was sent\n")


# -- methods that yield --------------------------------------------------------------------------


def test_each_value_of_a_stream_is_a_line_and_so_is_what_the_method_returns(
    remotesvc: Program,
) -> None:
    done = remotesvc("call", "@local", f"{STREAMS}.count", "end=3")

    assert done == Done(0, "0\n1\n2\ncounted\n", "")


def test_service_runs_in_the_oldest_python_that_a_host_may_have(remotesvc: Program) -> None:
    oldest = find_interpreters()[0]

    done = remotesvc("call", "@local", f"{STREAMS}.count", "end=3", "--python", oldest.path)

    assert done == Done(0, "0\n1\n2\ncounted\n", "")


def test_values_of_a_stream_are_shown_as_results_are(remotesvc: Program) -> None:
    done = remotesvc("call", "@local", f"{STREAMS}.paths")

    assert done == Done(0, "/srv\n{'path': b'/'}\n", "")


def test_values_come_before_the_method_has_ended(remotesvc: Program) -> None:
    process = remotesvc.start("call", "@local", f"{STREAMS}.stall", "--timeout", "2")
    assert process.stdout is not None
    assert process.stdout.readline() == "1\n"

    done = remotesvc.finish(process)

    text = f"@local: {STREAMS}.stall yielded nothing for 2 s (--timeout)\n"
    assert done == Done(4, "", text)


def test_several_hosts_name_the_lines_of_their_streams(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("call", "-F", server.config_file, "web1,web2", f"{STREAMS}.count", "3")

    assert done.code == 0
    lines = done.out.splitlines()
    for host in ("web1", "web2"):
        own = [line for line in lines if line.startswith(host)]
        assert own == [f"{host}: {text}" for text in ("0", "1", "2", "counted")]
    assert done.err.startswith("2 ok in ")


def test_json_has_a_record_for_each_value_and_one_for_the_outcome(
    remotesvc: Program, server: SshServer
) -> None:
    done = remotesvc("call", "-F", server.config_file, "web1,web2", f"{STREAMS}.paths", "--json")

    assert done.code == 0
    for host in ("web1", "web2"):
        *items, last = records(done, host)
        assert items == [
            {"host": host, "index": 0, "item": "/srv"},
            {"host": host, "index": 1, "item": None},
            {"host": host, "index": 2, "item": {"path": {"base64": "Lw=="}}},
        ]
        assert set(last) == {"host", "outcome", "exit_code", "elapsed", "result", "error"}
        assert (last["outcome"], last["result"]) == ("ok", None)


def test_stream_that_breaks_shows_what_came_and_the_lines_of_the_user(remotesvc: Program) -> None:
    done = remotesvc("call", "@local", f"{STREAMS}.break_off")

    assert (done.code, done.out) == (1, "1\n")
    lines = done.err.splitlines()
    assert '/app/logs.py", line ' in lines[1]
    assert lines[3:] == ["@local: LookupError: in the middle"]


def test_stream_that_breaks_has_its_traceback_in_json(remotesvc: Program) -> None:
    done = remotesvc("call", "@local", f"{STREAMS}.break_off", "--json")

    item, last = records(done, "@local")
    assert item == {"host": "@local", "index": 0, "item": 1}
    assert (last["outcome"], last["exit_code"]) == ("raised", 1)
    assert last["error"]["traceback"].startswith("Traceback (most recent call last):\n")
