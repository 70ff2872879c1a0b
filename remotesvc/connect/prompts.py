"""Prompts: what a login program asks, found in what it prints, and what it is answered. Pure.

What is printed goes in, cut anywhere; what to do comes out: type, call the user, give up. A secret
is typed into the very prompt that was expected: the whole of a last line that has not ended. It is
typed once: who asks for it again did not accept it. What else asks is for the user, or an error.
"""

import re

from ..core.errors import AuthenticationError
from ..core.visible import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Pattern, Sequence, Tuple, Union
    from typing import Type as Class

    from ..core.secret import Secret

    Outcome = Union["Type", "Call", "Refuse"]

__all__ = ["QUESTION_SHOWN", "Call", "Dialogue", "Prompt", "Refuse", "Type"]

# A question is shorter; of what is longer, the end is looked at.
LINE_LIMIT = 4096

# So much of a question stands in an error text.
QUESTION_SHOWN = 200

# What `ssh -v` and its like write on a terminal, in the middle of whatever stands there.
CHATTER = re.compile(rb"debug[1-3]: [^\n]*\n")

# What a program echoes for each letter that is typed is no question.
ECHO = " \t\r*"


class Prompt:
    """One expected question: a pattern for the whole of it, and what answers it.

    title and option name the answer, to the user. refusal: the text and kind of the error, where
    nobody answers it. is_ours: only the program that we started is answered, see `hear()`.
    """

    __slots__ = ("is_answered", "is_ours", "option", "pattern", "refusal", "secret", "title")

    def __init__(
        self,
        pattern: "str",
        secret: "Optional[Secret]",
        title: "str",
        option: "str" = "password",
        refusal: "Optional[Tuple[str, Class[Exception]]]" = None,
    ) -> "None":
        self.pattern: "Pattern[str]" = re.compile(pattern)
        self.secret = secret
        self.title = title
        self.option = option
        self.refusal = refusal
        self.is_ours = False
        self.is_answered = False


class Type:
    """Type a secret, and the key that ends a line."""

    __slots__ = ("secret",)

    def __init__(self, secret: "Secret") -> "None":
        self.secret = secret


class Call:
    """Have the user answer a question."""

    __slots__ = ("question",)

    def __init__(self, question: "str") -> "None":
        self.question = question


class Refuse:
    """Give up; `reason` says what was asked, and what would help; `kind` is that of the error."""

    __slots__ = ("kind", "reason")

    def __init__(self, reason: "str", kind: "Class[Exception]" = AuthenticationError) -> "None":
        self.reason = reason
        self.kind = kind


class Dialogue:
    """The questions of one login; `has_callback` tells whether there is a user to call.

    is_whole: a question is all that was printed since the last answer, and not only its last line:
    what a stranger has printed there would be something else before that line.
    """

    def __init__(
        self, prompts: "Sequence[Prompt]", has_callback: "bool", is_whole: "bool" = False
    ) -> "None":
        self._prompts = prompts
        self._has_callback = has_callback
        self._is_whole = is_whole
        # The last line as it came, and without chatter.
        self._tail = b""
        self._line = b""

    def feed(self, data: "bytes") -> "Optional[Outcome]":
        """Take what was printed; return what to do if an expected prompt stands there now."""
        if self._is_whole:
            # Of what is longer the beginning counts: by that it is known.
            self._line = CHATTER.sub(b"", self._line + data)[:LINE_LIMIT]
            prompt = self._find(_text(self._line).lstrip())
            return None if prompt is None else self._take(prompt)
        self._tail = _last_line(self._tail + data)
        # Chatter may have come in the middle of a prompt.
        self._line = _last_line(CHATTER.sub(b"", self._line + data))
        prompt = self._find(_text(self._tail)) or self._find(_text(self._line))
        return None if prompt is None else self._take(prompt)

    def _take(self, prompt: "Prompt") -> "Outcome":
        self._tail = self._line = b""
        return self._answer(prompt)

    def settle(self) -> "Optional[Outcome]":
        """Take it that nothing more comes: a line that has not ended is a question."""
        line = _text(self._line)
        if self._is_whole:
            line = line.lstrip()
        self._tail = self._line = b""
        return self.hear(line) if line.strip(ECHO) else None

    def hear(self, question: "str", is_ours: "bool" = True) -> "Outcome":
        """Take a question that is known to be one, whole; return what to do.

        is_ours: whether the program asks that we started, and none that it has started.
        """
        prompt = self._find(question, is_ours)
        if prompt is not None:
            return self._answer(prompt)
        if self._has_callback:
            return Call(question)
        return Refuse("it asks %r: give prompts= to answer that" % _shown(question))

    def _find(self, question: "str", is_ours: "bool" = True) -> "Optional[Prompt]":
        for prompt in self._prompts:
            if (is_ours or not prompt.is_ours) and prompt.pattern.fullmatch(question):
                return prompt
        return None

    def _answer(self, prompt: "Prompt") -> "Outcome":
        if prompt.refusal is not None:
            return Refuse(*prompt.refusal)
        if prompt.is_answered:
            return Refuse("the %s was not accepted" % prompt.title)
        secret, prompt.secret = prompt.secret, None
        if secret is not None:
            prompt.is_answered = True
            return Type(secret)
        if self._has_callback:
            prompt.is_answered = True
            return Call("%s: " % prompt.title)
        return Refuse("it asks for the %s: give %s=" % (prompt.title, prompt.option))


def _last_line(data: "bytes") -> "bytes":
    return data.rpartition(b"\n")[2][-LINE_LIMIT:]


def _text(line: "bytes") -> "str":
    return line.decode("utf-8", "backslashreplace").strip("\r")


def _shown(question: "str") -> "str":
    return visible(question.strip()[-QUESTION_SHOWN:])
