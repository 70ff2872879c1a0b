"""Who waits for whose question, for every order in which they come and are answered."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from remotesvc.core.errands import Errands


class Question:
    """What one neighbour asks for one context."""

    def __init__(self, key: str, src: int, whom: int) -> None:
        self.key = key
        self.src = src
        self.whom = whom

    def __repr__(self) -> str:
        return f"{self.key} for {self.whom} by {self.src}"


# A question, as (key, neighbour, which of its contexts); or which of those under way is answered,
# and whether that brought it; or that time passes.
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ab"), st.integers(1, 3), st.integers(0, 1)),
        st.tuples(st.integers(0, 20), st.booleans()),
        st.just("time"),
    ),
    max_size=60,
)


class Play:
    """Plays the depot: asks what is to be asked, and notes who has been answered."""

    def __init__(self) -> None:
        self.errands = Errands()
        self.asked: list[Question] = []
        self.answered: list[Question] = []
        self.waiting: list[Question] = []
        self.here: set[str] = set()

    def ask(self, question: Question) -> None:
        """Take a question."""
        if question.key in self.here or self.errands.join(question):
            self.asked.append(question)
        else:
            self.waiting.append(question)

    def answer(self, index: int, brings: bool) -> None:
        """Answer one that is under way."""
        question = self.asked.pop(index % len(self.asked))
        if brings:
            self.here.add(question.key)
        same, freed = self.errands.end(question, question.key in self.here)
        assert all((one.key, one.whom) == (question.key, question.whom) for one in same)
        self.answered += [question, *same]
        self.asked += freed
        self.release([*same, *freed])

    def release(self, questions: list[Any]) -> None:
        """Note that these do not wait any more."""
        for one in questions:
            self.waiting.remove(one)

    def lapse(self) -> None:
        """Let time pass."""
        freed = self.errands.lapse()
        self.asked += freed
        self.release(freed)


@given(EVENTS)
def test_every_question_is_answered_once_and_for_one_thing_one_is_under_way(
    events: list[Any],
) -> None:
    play, questions, has_lapsed = Play(), [], False
    for event in events:
        if event == "time":
            play.lapse()
            has_lapsed = True
        elif len(event) == 3:
            key, src, which = event
            questions.append(Question(key, src, 10 * src + which))
            play.ask(questions[-1])
        elif play.asked:
            play.answer(*event)
        assert bool(play.errands) == bool(play.waiting)
        if not has_lapsed:
            for key in {"a", "b"} - play.here:
                assert sum(one.key == key for one in play.asked) <= 1
    while play.asked:
        play.answer(0, False)
    assert play.waiting == []
    assert sorted(play.answered, key=id) == sorted(questions, key=id)
    assert not play.errands._queues


@given(st.lists(st.integers(2, 4), max_size=30), st.integers(0, 3))
def test_nobody_waits_for_more_than_one_answer_to_each_of_the_others(
    before: list[int], each: int
) -> None:
    play = Play()
    for number, src in enumerate(before):
        play.ask(Question("a", src, 100 * src + number))
    honest = Question("a", 1, 1)
    play.ask(honest)
    answers = 0
    while honest not in play.asked:
        last = play.asked[0].src
        play.answer(0, False)
        answers += 1
        for number in range(each):  # and asks on
            play.ask(Question("a", last, 10_000 * answers + number))
    assert answers <= len(set(before))


@given(st.lists(st.integers(1, 3), min_size=1, max_size=20))
def test_nobody_waits_longer_than_two_lapses(sources: list[int]) -> None:
    play = Play()
    for number, src in enumerate(sources):
        play.ask(Question("a", src, number))
    play.lapse()
    play.lapse()
    assert play.waiting == [] and len(play.asked) == len(sources)
    # The first one, whose answer is lost, is in nobody's way.
    play.ask(Question("a", 1, 99))
    assert len(play.asked) == len(sources) + (len(sources) > 1)


def test_what_waits_for_a_lost_neighbour_is_dropped_and_what_is_under_way_is_not() -> None:
    errands = Errands()
    first, second, third = (Question("a", src, src) for src in (1, 2, 1))
    assert [errands.join(one) for one in (first, second, third)] == [True, False, False]
    errands.forget({1})
    assert errands.end(first, False) == ([], [second])
    errands.forget({2})
    assert errands.end(second, False) == ([], []) and not errands
