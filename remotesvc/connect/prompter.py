"""Prompter: has the user answer what a login asks, when he is not here but above: by asking there.

A child imports this with the first order that comes with `prompts=`.
"""

import queue

from ..core.errors import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Sequence, Tuple, Union

__all__ = ["Prompter"]


class Prompter:
    """Stands in the place of `prompts=`; tell("ask", question) tells who gave the order."""

    def __init__(self, tell: "Callable[[str, str], None]") -> "None":
        self._tell = tell
        self._answers: "queue.Queue[Union[str, List[Any]]]" = queue.Queue()

    def ask(
        self, title: "str", instructions: "str", questions: "Sequence[Tuple[str, bool]]"
    ) -> "List[Any]":
        """Return the user's answer, or raise why there is none (on a thread that may block)."""
        self._tell("ask", questions[0][0])
        answer = self._answers.get()
        if isinstance(answer, str):
            raise Error(answer)
        return list(answer)

    def take(self, answer: "Union[str, List[Any]]") -> "None":
        """Take what was answered: the answers, or in words why there are none."""
        self._answers.put(answer)

    def give_up(self) -> "None":
        """Have whoever waits for an answer get none."""
        self.take("nobody waits for it any more")
