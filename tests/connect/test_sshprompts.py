"""Which question of ssh's is answered, by whoever asks it, where, and with which client."""

import itertools

import pytest

from remotesvc import HostKeyError, Secret
from remotesvc.connect.prompts import Call, Dialogue, Refuse, Type
from remotesvc.connect.sshprompts import ANYBODY, NOBODY, OURS, Situation, version_of

FACTS = {"user": "root", "hostname": "web1", "stricthostkeychecking": "true"}
JUMP = {**FACTS, "proxyjump": "gate"}
COMMAND = {**FACTS, "proxycommand": "nc web1 22"}

OLD, NEW = (8, 4), (8, 5)


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize(
    ("facts", "is_askpass", "who"),
    [
        (FACTS, True, ANYBODY),
        (FACTS, False, ANYBODY),
        (JUMP, True, OURS),
        (JUMP, False, NOBODY),
        (COMMAND, True, OURS),
        (COMMAND, False, NOBODY),
    ],
)
def test_password_is_for_the_host_itself(
    version: tuple[int, int], facts: dict[str, str], is_askpass: bool, who: str
) -> None:
    assert Situation(facts, version, is_askpass, can_ask=True).gets_password() == who


@pytest.mark.parametrize("facts", [FACTS, JUMP, COMMAND])
@pytest.mark.parametrize(
    ("is_askpass", "can_ask"), list(itertools.product([True, False], repeat=2))
)
def test_passphrase_is_for_no_question_that_a_server_may_have_made(
    facts: dict[str, str], is_askpass: bool, can_ask: bool
) -> None:
    new = Situation(facts, NEW, is_askpass, can_ask)
    assert new.gets_passphrase() == ANYBODY and new.words() == []
    old = Situation(facts, OLD, is_askpass, can_ask)
    expected = NOBODY if can_ask else old.gets_password()
    assert old.gets_passphrase() == expected
    assert old.words() == ([] if can_ask else ["-o", "KbdInteractiveAuthentication=no"])


@pytest.mark.parametrize(
    ("checking", "words"),
    [("ask", ["-o", "StrictHostKeyChecking=yes"]), ("true", []), ("accept-new", []), ("no", [])],
)
def test_ssh_is_kept_from_asking_about_a_host_key(checking: str, words: list[str]) -> None:
    facts = {**FACTS, "stricthostkeychecking": checking}
    assert Situation(facts, NEW, True, True).words() == words


@pytest.mark.parametrize(
    "question",
    [
        "Are you sure you want to continue connecting (yes/no)? ",
        "The authenticity of host 'gate (::1)' can't be established.\nED25519 key fingerprint is "
        "SHA256:x.\nAre you sure you want to continue connecting (yes/no/[fingerprint])? ",
    ],
)
@pytest.mark.parametrize("has_callback", [True, False])
def test_question_about_a_host_key_is_an_error_and_nobody_is_asked(
    question: str, has_callback: bool
) -> None:
    prompts = Situation(JUMP, NEW, True, True).prompts(Secret("word"), Secret("phrase"))
    for is_whole in (True, False):
        outcome = Dialogue(prompts, has_callback, is_whole).hear(question, is_ours=False)
        assert isinstance(outcome, Refuse) and outcome.kind is HostKeyError
        assert "add it to known_hosts" in outcome.reason
    fed = Dialogue(prompts, has_callback, is_whole=True).feed(question.encode())
    assert isinstance(fed, Refuse) and fed.kind is HostKeyError


def test_question_of_the_ssh_of_a_host_on_the_way_is_for_the_user() -> None:
    prompts = Situation(JUMP, NEW, True, True).prompts(Secret("word"), None)
    question = "root@web1's password: "
    outcome = Dialogue(prompts, has_callback=True).hear(question, is_ours=False)
    assert isinstance(outcome, Call) and outcome.question == question
    refused = Dialogue(prompts, has_callback=False).hear(question, is_ours=False)
    assert isinstance(refused, Refuse) and "root@web1's password:" in refused.reason
    ours = Dialogue(prompts, has_callback=True).hear(question)
    assert isinstance(ours, Type) and ours.secret.reveal() == "word"


PHRASE = b"Enter passphrase for key '/home/demo/.ssh/id': "


@pytest.mark.parametrize(
    "before",
    [
        b"(root@gate) \n",
        b"(root@gate) " + b"\n" * 5000,
        b"(root@gate) debug1: harmless\n",
        b"(root@gate)",
        b"anything\r\n",
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_what_was_printed_before_a_question_on_a_terminal_is_a_part_of_it(
    before: bytes, step: int
) -> None:
    prompts = Situation(FACTS, NEW, False, True).prompts(None, Secret("phrase"))
    dialogue = Dialogue(prompts, has_callback=False, is_whole=True)
    text = before + PHRASE
    for at in range(0, len(text), step):
        assert dialogue.feed(text[at : at + step]) is None
    assert isinstance(dialogue.settle(), Refuse)


@pytest.mark.parametrize("before", [b"", b"\r\n", b"\n\n", b"debug1: try\n", b"\ndebug3: x\r\n"])
def test_empty_lines_and_chatter_before_a_question_are_none(before: bytes) -> None:
    prompts = Situation(FACTS, NEW, False, True).prompts(None, Secret("phrase"))
    outcome = Dialogue(prompts, has_callback=False, is_whole=True).feed(before + PHRASE)
    assert isinstance(outcome, Type) and outcome.secret.reveal() == "phrase"


def test_what_was_answered_is_no_part_of_the_next_question() -> None:
    prompts = Situation(FACTS, NEW, False, True).prompts(Secret("word"), Secret("phrase"))
    dialogue = Dialogue(prompts, has_callback=False, is_whole=True)
    assert isinstance(dialogue.feed(PHRASE), Type)
    assert isinstance(dialogue.feed(b"\r\nroot@web1's password: "), Type)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19 27 Jan 2026\n", (9, 2)),
        ("OpenSSH_10.0p2, LibreSSL 3.9", (10, 0)),
        ("OpenSSH_for_Windows_8.1p1, LibreSSL 3.0.2", (8, 1)),
        ("OpenSSH_7.4p1, OpenSSL 1.0.2k-fips", (7, 4)),
        ("Dropbear v2022.83", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_version_is_read_from_what_ssh_says(said: str, version: tuple[int, int]) -> None:
    assert version_of(said) == version
