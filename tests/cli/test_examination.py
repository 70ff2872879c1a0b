"""The phases of a connect, made of what was told while it went on."""

from remotesvc.cli.examination import Finding, Phase, examine, show_examined
from remotesvc.cli.outcome import Problem

FINDINGS = [
    Finding("resolve", 0.010, "web1 is 10.0.0.1"),
    Finding("tcp", 0.012, "connected to 10.0.0.1 port 22"),
    Finding("host key", 0.030, "it showed ssh-ed25519"),
    Finding("host key", 0.031, "known by known_hosts:1"),
]


def test_findings_of_one_phase_stand_together_with_the_time_that_it_took() -> None:
    found = examine("web1", FINDINGS)

    assert [(phase.name, round(phase.seconds, 3)) for phase in found.phases] == [
        ("resolve", 0.010),
        ("tcp", 0.002),
        ("host key", 0.019),
    ]
    assert found.phases[2].found == ("it showed ssh-ed25519", "known by known_hosts:1")
    assert all(phase.is_through for phase in found.phases)
    assert found.not_reached == ()


def test_phases_that_a_jump_host_goes_through_come_again() -> None:
    found = examine("web1", [*FINDINGS, Finding("tcp", 0.040, "through"), *FINDINGS[2:]])

    names = [phase.name for phase in found.phases]
    assert names == ["resolve", "tcp", "host key", "tcp", "host key"]


def test_the_phase_that_failed_keeps_what_was_found_in_it_and_says_why() -> None:
    problem = Problem(
        "its key has changed (phase: host key)", "HostKeyError", "", None, "host key"
    )

    found = examine("web1", FINDINGS, problem, 0.050)

    last = found.phases[-1]
    assert (last.name, last.is_through, round(last.seconds, 3)) == ("host key", False, 0.038)
    assert last.found[1:] == ("known by known_hosts:1", "its key has changed")
    assert found.not_reached == ("auth", "interpreter", "bootstrap", "first call")


def test_a_phase_that_failed_before_anything_was_found_in_it_is_there_too() -> None:
    problem = Problem("nobody answered", "ConnectTimeout", "", None, "auth")

    found = examine("web1", FINDINGS, problem, 0.050)

    assert found.phases[-1] == Phase("auth", False, 0.050 - 0.031, ("nobody answered",))
    assert len(found.phases) == 4


def test_what_fails_without_a_phase_is_the_first_call() -> None:
    found = examine("web1", [], Problem("is gone", "DisconnectedError", ""), 1.0)

    assert (found.phases[0].name, found.not_reached) == ("first call", ())


def test_lines_for_people_show_no_control_character_of_a_host() -> None:
    problem = Problem("mend it\nby this", "HostKeyError", "", None, "host key")

    text = show_examined([examine("web\x1b1", [Finding("tcp", 0.001, "it\x1b said")], problem)])

    assert text.splitlines() == [
        "web\\x1b1",
        "  tcp             1.0 ms  it\\x1b said",
        "  host key        FAILED  mend it",
        "                          by this",
        "  not reached: auth, interpreter, bootstrap, first call",
    ]
