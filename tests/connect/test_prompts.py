"""What a login asks: found in what it prints however that is cut, answered once, else refused."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc import Secret
from remotesvc.connect.doas import PROMPT as DOAS
from remotesvc.connect.prompts import LINE_LIMIT, Call, Dialogue, Prompt, Refuse, Type
from remotesvc.connect.su import PROMPT as SU
from remotesvc.connect.sudo import PROMPT as SUDO_PROMPT

MARK = "remotesvc-5ca1ab1e"
SUDO = SUDO_PROMPT.format(MARK)
PASSWORD = "hunter2"

PROMPTS = [
    (SUDO, MARK),
    (SUDO, f"[sudo: {MARK}] Password: "),
    (SU, "Password: "),
    (DOAS, "doas (alice@web1) password: "),
    (DOAS, "Password: "),
]

CHATTER = st.sampled_from(
    [
        b"",
        b"debug1: Next authentication method: password\r\n",
        b"debug3: send packet: Password: type 50\n",
        b"debug2: we did not send a packet, disable method\r\n",
    ]
)


def dialogue(
    pattern: str = SU, *, has_secret: bool = True, has_callback: bool = False
) -> Dialogue:
    secret = Secret(PASSWORD) if has_secret else None
    return Dialogue([Prompt(pattern, secret, "password of sudo")], has_callback)


def outcomes(talk: Dialogue, *pieces: bytes) -> list[object]:
    """Return what was to be done after any of the pieces."""
    return [outcome for outcome in map(talk.feed, pieces) if outcome is not None]


def typed(found: list[object]) -> list[str]:
    return [one.secret.reveal() for one in found if isinstance(one, Type)]


@pytest.mark.parametrize(("pattern", "prompt"), PROMPTS)
def test_secret_is_typed_when_the_prompt_is_complete(pattern: str, prompt: str) -> None:
    text = f"We trust you have received the usual lecture.\r\n\n{prompt}"
    assert typed(outcomes(dialogue(pattern), text.encode())) == [PASSWORD]


@pytest.mark.parametrize(("pattern", "prompt"), PROMPTS)
@given(data=st.data())
def test_noise_between_the_bytes_of_a_prompt_changes_nothing(
    pattern: str, prompt: str, data: st.DataObject
) -> None:
    pieces = []
    for letter in prompt:
        pieces += [data.draw(CHATTER), letter.encode()]
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))) | {0, len(stream)})
    talk = dialogue(pattern)
    found = outcomes(talk, *(stream[a:b] for a, b in itertools.pairwise(cuts)))
    assert typed(found) == [PASSWORD] and len(found) == 1
    assert talk.settle() is None


@given(st.lists(st.binary() | CHATTER | st.just(b"Password: no\n")))
def test_secret_is_typed_into_nothing_but_the_prompt(pieces: list[bytes]) -> None:
    assert outcomes(dialogue(SUDO, has_callback=True), *pieces) == []


@pytest.mark.parametrize(
    "text",
    [
        "Password: ",
        "the Password: ",
        "Password: x",
        "+ sudo -S -p Password: ",
        "root's password: ",
        "Passwort: ",
    ],
)
def test_line_that_has_ended_or_says_more_is_not_answered(text: str) -> None:
    assert outcomes(dialogue(SU), text.encode() + b"\n") == []


def test_who_asks_again_did_not_accept_it() -> None:
    talk = dialogue(SUDO)
    found = outcomes(talk, MARK.encode(), b"\r\nSorry, try again.\r\n", MARK.encode())
    assert typed(found) == [PASSWORD]
    assert isinstance(found[1], Refuse)
    assert found[1].reason == "the password of sudo was not accepted"


def test_question_that_nobody_expects_is_quoted_and_made_visible() -> None:
    talk = dialogue()
    assert talk.feed(b"welcome\nOTP \x1b[5mcode: ") is None
    outcome = talk.settle()
    assert isinstance(outcome, Refuse)
    assert outcome.reason == r"it asks 'OTP \\x1b[5mcode:': give prompts= to answer that"
    assert talk.settle() is None


def test_question_that_nobody_expects_is_given_to_the_user() -> None:
    talk = dialogue(has_callback=True)
    talk.feed(b"Verification code: ")
    outcome = talk.settle()
    assert isinstance(outcome, Call) and outcome.question == "Verification code: "


def test_prompt_without_a_password_is_named_with_the_option() -> None:
    outcome = dialogue(has_secret=False).feed(b"Password: ")
    assert isinstance(outcome, Refuse)
    assert outcome.reason == "it asks for the password of sudo: give password="


def test_prompt_without_a_password_is_given_to_the_user_once() -> None:
    talk = dialogue(SUDO, has_secret=False, has_callback=True)
    first, second = talk.feed(MARK.encode()), talk.feed(b"\n" + MARK.encode())
    # The prompt's random letters mean nothing to anybody.
    assert isinstance(first, Call) and first.question == "password of sudo: "
    assert isinstance(second, Refuse)


@pytest.mark.parametrize("echo", [b"", b"*******", b" ", b"\r\n", b"Last login: today\n"])
def test_echo_of_what_was_typed_is_no_question(echo: bytes) -> None:
    talk = dialogue()
    assert typed(outcomes(talk, b"Password: ", echo)) == [PASSWORD]
    assert talk.settle() is None


def test_line_without_an_end_is_kept_to_its_end() -> None:
    talk = dialogue()
    for _ in range(100):
        assert talk.feed(b"x" * LINE_LIMIT) is None
    outcome = talk.settle()
    assert isinstance(outcome, Refuse) and len(outcome.reason) < 400


def test_two_secrets_go_to_their_own_prompts() -> None:
    talk = Dialogue(
        [
            Prompt("Enter passphrase for key [^\n]*: ", Secret("phrase"), "passphrase"),
            Prompt("root@web1's password: ", Secret(PASSWORD), "password"),
        ],
        False,
    )
    assert typed([talk.hear("root@web1's password: ")]) == [PASSWORD]
    assert typed([talk.hear("Enter passphrase for key '/k': ")]) == ["phrase"]
    assert isinstance(talk.hear("root@bastion's password: "), Refuse)
