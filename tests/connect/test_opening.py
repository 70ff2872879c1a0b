"""One way into every new context: what is checked before anything is sent, what is left after."""

import sys
from pathlib import Path

import pytest

from remotesvc import Context, DisconnectedError, Error, RefusedError, Router
from tests.integration.targets import hops


@pytest.fixture
def relay(router: Router) -> Context:
    return router.local("relay")


def test_context_of_another_router_is_no_way(router: Router, relay: Context) -> None:
    with Router() as other, pytest.raises(ValueError, match="belongs to another router"):
        other.local(via=relay)


def test_lost_context_is_no_way(router: Router, relay: Context) -> None:
    relay.kill()
    with pytest.raises(DisconnectedError, match="relay was killed from here"):
        router.local(via=relay)
    assert router.contexts == []


def test_this_program_is_no_way(router: Router) -> None:
    with pytest.raises((RefusedError, Error)):
        router.local(via=router.myself)


def test_options_are_checked_before_anything_is_sent(router: Router, relay: Context) -> None:
    sent = router.switch.routes[relay.id].bytes_sent
    with pytest.raises(TypeError):
        router.local(via=relay, colour="red")
    with pytest.raises((TypeError, ValueError)):
        router.local(via=relay, connect_timeout="soon")  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        router.local(via="relay")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there it is the ssh program, 'openssh'"):
        router.ssh("web1", via=relay, transport="paramiko")
    assert router.switch.routes[relay.id].bytes_sent == sent
    assert router.contexts == [relay]


def test_name_is_that_of_the_chain_unless_it_is_given(router: Router, relay: Context) -> None:
    names = [router.local(via=relay).name, router.local(via=relay).name]
    names.append(router.local("own", via=relay).name)
    assert names == ["relay/local", "relay/local.2", "own"]
    assert [one.via for one in router.contexts] == [None, relay, relay, relay]


def test_wrong_python_is_told_with_the_name_of_the_chain(router: Router, relay: Context) -> None:
    middle = router.local(via=relay)
    for path in ("/nonexistent/python3", ["/nonexistent/a", "/nonexistent/b"]):
        with pytest.raises(Error, match=r"^relay/local/local(\.\d)?: ") as caught:
            router.local(via=middle, python_path=path).call(hops.pid)
        assert type(caught.value).__name__ == "InterpreterError"
        assert "python_path" in str(caught.value)


def test_deadline_is_kept_over_there(router: Router, relay: Context) -> None:
    late = router.exec(["sh", "-c", "sleep 600; {line}"], via=relay, connect_timeout=0.5)
    with pytest.raises(Error, match=r"relay/exec:sh: no answer within 0\.5 s") as caught:
        late.call(hops.pid)
    assert type(caught.value).__name__ == "ConnectTimeout"


def test_kind_that_nobody_knows_leaves_nothing(router: Router, relay: Context) -> None:
    with pytest.raises(Error, match="there is no such connector"):
        router.open("telnet", via=relay)
    assert router.contexts == [relay]


def test_connector_of_another_package_runs_in_a_hop(
    router: Router, relay: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hop_connector.py").write_text(
        "from hop_helper import OPTS\nfrom remotesvc.connect import local\nTARGET = 'box'\n"
        "def connect(router, context_id, attempt, box, python_path=None):\n"
        "    return local.connect(router, context_id, attempt, **OPTS)\n"
    )
    (tmp_path / "hop_helper.py").write_text("OPTS = {}\n")
    info = tmp_path / "hop_connector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hop-connector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[remotesvc.connectors]\nhopper = hop_connector\n")
    monkeypatch.syspath_prepend(tmp_path)

    context = router.open("hopper", box="web", via=relay)

    assert context.name == "relay/hopper:web"
    assert context.call(hops.add, 1, 2) == 3
    for name in ("hop_connector", "hop_helper"):
        sys.modules.pop(name, None)
