"""Typist: answers what a program asks while it lets us in; the decisions are those of prompts.py.

All of it happens on the loop's thread, but the user's callback, which may take its time.
"""

from ..core.secret import Secret
from .prompts import Call, Refuse, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, List, Optional, Sequence, Tuple

    from ..core.loop import Timer
    from ..types import Opener
    from .prompts import Dialogue, Outcome

    # answers(title, instructions, [(question, is echoed)]) -> one answer per question
    Prompts = Callable[[str, str, Sequence[Tuple[str, bool]]], Sequence[str]]

__all__ = ["QUESTIONS_LIMIT", "Typist", "check_answers", "hide"]

# So many questions the user answers for one login: with three tries of each that is enough.
QUESTIONS_LIMIT = 16

# A line that has not ended for so long is a question, and no longer the beginning of a text.
QUIET = 0.5


class Typist:
    """Reads with `read` or `hear`, types with type_(secret), gives up with fail(error)."""

    def __init__(
        self,
        router: "Opener",
        where: "str",
        dialogue: "Dialogue",
        prompts: "Optional[Prompts]",
        type_: "Callable[[Secret], None]",
    ) -> "None":
        self.fail: "Callable[[Exception], None]" = lambda error: None
        self._router = router
        self._where = where
        self._dialogue = dialogue
        self._prompts = prompts
        self._type = type_
        self._timer: "Optional[Timer]" = None
        self._calls = 0
        self._is_over = False

    def read(self, data: "bytes") -> "None":
        """Take what was printed, cut anywhere."""
        if self._is_over:
            return
        self._stop_timer()
        outcome = self._dialogue.feed(data)
        if outcome is None:
            self._timer = self._router.loop.call_later(QUIET, self._settle)
        else:
            self._act(outcome)

    def hear(self, question: "str", is_ours: "bool" = True) -> "None":
        """Take one question, whole, of the program that was started or of one that it started."""
        if not self._is_over:
            self._act(self._dialogue.hear(question, is_ours))

    def stop(self) -> "None":
        """Answer nothing any more: whatever asks now is no login."""
        self._is_over = True
        self._stop_timer()

    def _settle(self) -> "None":
        outcome = self._dialogue.settle()
        if outcome is not None and not self._is_over:
            self._act(outcome)

    def _act(self, outcome: "Outcome") -> "None":
        if isinstance(outcome, Type):
            self._type(outcome.secret)
        elif isinstance(outcome, Call) and self._calls < QUESTIONS_LIMIT:
            self._calls += 1
            question = outcome.question
            self._router.defer(lambda: self._ask(question))
        else:
            refusal = outcome if isinstance(outcome, Refuse) else Refuse("it asks too much")
            self._give_up(refusal.kind("%s: %s" % (self._where, refusal.reason)))

    def _ask(self, question: "str") -> "None":
        """Have the user answer (on a thread that may block)."""
        loop = self._router.loop
        try:
            answer = check_answers(self._prompts("", "", [(question, False)]))  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001 it is raised where the context is opened
            problem = error
            loop.call_soon(lambda: self._give_up(problem))
            return
        loop.call_soon(lambda: None if self._is_over else self._type(answer))

    def _give_up(self, error: "Exception") -> "None":
        if not self._is_over:
            self.stop()
            self.fail(error)

    def _stop_timer(self) -> "None":
        if self._timer is not None:
            self._timer.cancel()


def hide(text: "Optional[str]") -> "Optional[Secret]":
    """Return a password as a Secret, which one may already be."""
    if text is None or isinstance(text, Secret):
        return text
    return Secret(text)


def check_answers(answers: "Sequence[str]") -> "Secret":
    """Refuse what would reach the program as something else than one line."""
    given: "List[str]" = [] if isinstance(answers, str) else list(answers)
    if len(given) != 1 or not isinstance(given[0], str) or "\n" in given[0]:
        raise ValueError("prompts= has to return a list with one answer, a text of one line")
    return given[0] if isinstance(given[0], Secret) else Secret(given[0])
