"""Asker: ssh that may ask for something: what it will ask, where it asks, and who answers.

Not imported where ssh logs in by itself (openssh.py).
"""

import re
import subprocess

from .askpass import Askpass, is_possible
from .command import open_stream
from .process import ProcessStream
from .prompts import Dialogue, Prompt
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
        self._words = words
        self._prompts = prompts
        facts = _facts(attempt, [*words[:1], "-G", *words[1:-1]])
        self._expected = [
            _password_prompt(facts, hide(password)),
            _passphrase_prompt(hide(passphrase)),
        ]

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

        dialogue = Dialogue(self._expected, self._prompts is not None)
        typist = Typist(router, attempt.where, dialogue, self._ask, answer)
        typist.fail = self.fail
        if isinstance(desk, Askpass):
            desk.on_question = typist.hear
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
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(0.1, attempt.left),
        )
    except subprocess.TimeoutExpired:
        raise attempt.timed_out("resolve", "ssh -G did not answer") from None
    lines = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    return {name: value for name, _, value in (line.partition(" ") for line in lines)}


def _password_prompt(facts: "Dict[str, str]", secret: "Optional[Secret]") -> "Prompt":
    """Return the prompt of the host itself: those of hosts on the way look alike."""
    user, host = facts.get("user", ""), facts.get("hostkeyalias") or facts.get("hostname", "")
    place = re.escape("%s@%s" % (user, host))
    pattern = r"%s's password: |\(%s\) [Pp]assword: ?" % (place, place)
    if not {"proxyjump", "proxycommand"} & set(facts):
        pattern += r"|[Pp]assword: ?"  # keyboard-interactive, before 8.5
    return Prompt(pattern, secret, "password of %s@%s" % (user, host))


def _passphrase_prompt(secret: "Optional[Secret]") -> "Prompt":
    pattern = r"Enter passphrase for (key )?[^\n]*: "
    return Prompt(pattern, secret, "passphrase of the key", "passphrase")
