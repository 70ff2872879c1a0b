"""Questions of a login go up, and answers come back, on the thread that may wait for them."""

import threading

import pytest

from remotesvc import Error
from remotesvc.connect.prompter import Prompter

QUESTION = ("", "", [("Password: ", False)])


def test_question_is_told_and_the_answer_returned() -> None:
    told: list[tuple[str, str]] = []

    def tell(verb: str, question: str) -> None:
        told.append((verb, question))
        prompter.take(["secret"])

    prompter = Prompter(tell)
    assert prompter.ask(*QUESTION) == ["secret"]
    assert told == [("ask", "Password: ")]


def test_words_in_the_place_of_answers_say_why_there_are_none() -> None:
    prompter = Prompter(lambda verb, question: prompter.take("prompts= failed: x"))
    with pytest.raises(Error, match="prompts= failed: x"):
        prompter.ask(*QUESTION)


def test_who_waits_for_an_answer_is_freed_when_nobody_wants_it_any_more() -> None:
    is_asked = threading.Event()
    prompter = Prompter(lambda verb, question: is_asked.set())
    freed: list[str] = []

    def ask() -> None:
        try:
            prompter.ask(*QUESTION)
        except Error as error:
            freed.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    assert is_asked.wait(30)
    prompter.give_up()
    thread.join(30)
    assert freed == ["nobody waits for it any more"]
