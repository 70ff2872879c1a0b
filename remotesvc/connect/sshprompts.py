"""What ssh asks, and who may be answered: decided before it is started. Pure.

A server may ask anything (keyboard-interactive), and so make its question look like one of ssh's
own. From OpenSSH 8.5 on ssh puts "(user@host) " before those; older ones show them as they are.
For a host on the way another ssh is started, which asks at the same desk: at askpass it is known
by its process, on a terminal it cannot be told from ours.

| | nobody on the way | somebody on the way |
|---|---|---|
| password, at askpass | whoever asks | our ssh only |
| password, on a terminal | whoever asks | nobody |
| passphrase, ssh marks what servers ask | whoever asks | whoever asks |
| passphrase, it does not, and servers may ask | nobody | nobody |
| passphrase, it does not, and they may not | whoever asks | as a password |

Whoever is not answered here asks the user, if there is one. Whether a host key is right is a
question that nobody is asked.
"""

import re

from ..core.errors import HostKeyError
from .prompts import Prompt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

    from ..core.secret import Secret

__all__ = ["ANYBODY", "NOBODY", "OURS", "Situation", "version_of"]

# Who is answered.
ANYBODY, OURS, NOBODY = "anybody", "ours", "nobody"

# The first that marks what a server asks.
MARKING = (8, 5)

_HOST_KEY = (
    "its key, or that of a host on the way, is not known, and nobody is asked about it: compare "
    "it, and add it to known_hosts"
)

# The end of what ssh asks about a key.
_ABOUT_KEY = r"[\s\S]*\(yes/no[^\n]*\)\? ?"


class Situation:
    """One login: `facts` is what `ssh -G` tells, `version` that of the client."""

    def __init__(
        self,
        facts: "Dict[str, str]",
        version: "Tuple[int, int]",
        is_askpass: "bool",
        can_ask: "bool",
    ) -> "None":
        self.facts = facts
        self.has_way = bool({"proxyjump", "proxycommand"} & set(facts))
        self._is_askpass = is_askpass
        self._is_marked = version >= MARKING
        # Whether a server may: where nothing could answer it, it is not let.
        self._can_ask = can_ask

    def words(self) -> "List[str]":
        """Return options that keep ssh from asking what is not answered anyway."""
        is_let = self._can_ask or self._is_marked
        words = [] if is_let else ["-o", "KbdInteractiveAuthentication=no"]
        if self.facts.get("stricthostkeychecking") == "ask":
            words += ["-o", "StrictHostKeyChecking=yes"]
        return words

    def gets_password(self) -> "str":
        """Return who is given the password."""
        if not self.has_way:
            return ANYBODY
        return OURS if self._is_askpass else NOBODY

    def gets_passphrase(self) -> "str":
        """Return who is given the passphrase."""
        if self._is_marked:
            return ANYBODY
        return NOBODY if self._can_ask else self.gets_password()

    def prompts(
        self, password: "Optional[Secret]", passphrase: "Optional[Secret]"
    ) -> "List[Prompt]":
        """Return the questions that are expected."""
        prompts = [Prompt(_ABOUT_KEY, None, "", refusal=(_HOST_KEY, HostKeyError))]
        for who, prompt in (
            (self.gets_password(), self._password_prompt(password)),
            (self.gets_passphrase(), _passphrase_prompt(passphrase)),
        ):
            prompt.is_ours = who == OURS
            prompts += [] if who == NOBODY else [prompt]
        return prompts

    def _password_prompt(self, secret: "Optional[Secret]") -> "Prompt":
        """Return the prompt of the host itself, as far as the text tells."""
        facts = self.facts
        user, host = facts.get("user", ""), facts.get("hostkeyalias") or facts.get("hostname", "")
        place = re.escape("%s@%s" % (user, host))
        pattern = r"%s's password: |\(%s\) [Pp]assword: ?" % (place, place)
        if not self.has_way:
            pattern += r"|[Pp]assword: ?"  # keyboard-interactive, before 8.5
        return Prompt(pattern, secret, "password of %s@%s" % (user, host))


def _passphrase_prompt(secret: "Optional[Secret]") -> "Prompt":
    pattern = r"Enter passphrase for (key )?[^\n]*: "
    return Prompt(pattern, secret, "passphrase of the key", "passphrase")


def version_of(said: "str") -> "Tuple[int, int]":
    """Return the version by what `ssh -V` says; (0, 0) for another one's."""
    found = re.match(r"OpenSSH_(?:\w*_)?(\d+)\.(\d+)", said)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)
