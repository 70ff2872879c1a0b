"""Asker: ssh that may ask for something: what it will ask, where it asks, and who answers.

Not imported where ssh logs in by itself (openssh.py).
"""

import subprocess

from .askpass import Askpass, is_possible
from .command import open_stream
from .process import ProcessStream
from .prompts import Dialogue
from .sshprompts import Situation, version_of
from .terminal import Terminal
from .typist import Typist, hide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence, Union

    from ..core.secret import Secret
    from ..types import Opener
    from .base import Attempt
    from .typist import Prompts

__all__ = ["Asker"]


class Asker:
    """Starts ssh where it may ask, each time at a desk of its own."""

    def __init__(
        self,
        router: "Opener",
        attempt: "Attempt",
        words: "List[str]",
        password: "Optional[str]",
        passphrase: "Optional[str]",
        prompts: "Optional[Prompts]",
    ) -> "None":
        self.fail: "Callable[[Exception], None]" = lambda error: None
        self.was_asked = False
        self._router = router
        self._attempt = attempt
        self._prompts = prompts
        facts = _facts(attempt, [*words[:1], "-G", *words[1:-1]])
        version = version_of(_said(attempt, [words[0], "-V"]))
        can_ask = passphrase is None or password is not None or prompts is not None
        situation = Situation(facts, version, is_possible(), can_ask)
        self._has_way = situation.has_way
        self._expected = situation.prompts(hide(password), hide(passphrase))
        # Before "--", host and command. Of an option that is given twice, ssh takes the first.
        self._words = [*words[:-3], *situation.words(), *words[-3:]]

    def begin(self) -> "ProcessStream":
        """Start ssh and answer what it asks."""
        router, attempt = self._router, self._attempt
        desk = Askpass(router.loop) if is_possible() else Terminal(router.loop, attempt)
        try:
            stream = _start(router, attempt, self._words, desk)
        except BaseException:
            desk.close()
            raise

        def answer(secret: "Secret") -> "None":
            self.was_asked = True
            desk.type(secret)

        is_whole = isinstance(desk, Terminal)
        dialogue = Dialogue(self._expected, self._prompts is not None, is_whole)
        typist = Typist(router, attempt.where, dialogue, self._ask, answer)
        typist.fail = self.fail
        if isinstance(desk, Askpass):
            # A program in the place of ssh may have started it: then nobody else does.
            own, has_way = str(stream.pid), self._has_way
            desk.on_question = lambda text, pid: typist.hear(text, not has_way or pid == own)
        else:
            desk.on_text = typist.read
        desk.start()
        return stream

    def _ask(self, *question: "Any") -> "Sequence[str]":
        self.was_asked = True
        return self._prompts(*question)  # type: ignore[misc]


def _start(
    router: "Opener", attempt: "Attempt", words: "List[str]", desk: "Union[Askpass, Terminal]"
) -> "ProcessStream":
    """Start ssh where it asks at the desk."""
    env = None
    if isinstance(desk, Askpass):
        env = desk.env
    else:
        words = desk.argv(words, is_stdin=False)
    return open_stream(attempt, words[0], lambda: ProcessStream(router.loop, words, env, desk))


# -- what it asks --------------------------------------------------------------------------------


def _facts(attempt: "Attempt", words: "Sequence[str]") -> "Dict[str, str]":
    """Return what the configuration makes of the host, as `ssh -G` tells."""
    lines = _said(attempt, words).splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def _said(attempt: "Attempt", words: "Sequence[str]") -> "str":
    """Return what ssh says that connects to nobody."""
    is_version = words[-1] == "-V"  # which stands on its stderr
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if is_version else subprocess.DEVNULL,
            timeout=max(0.1, attempt.left),
        )
    except subprocess.TimeoutExpired:
        raise attempt.timed_out("resolve", "%s did not answer" % " ".join(words[:2])) from None
    return done.stdout.decode("utf-8", "surrogateescape")
