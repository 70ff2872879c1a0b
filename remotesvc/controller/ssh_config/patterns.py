"""OpenSSH's wildcard patterns, as ssh_config and known_hosts use them.

`*` stands for any run of characters, `?` for one; nothing else is special, brackets least of
all, for `[host]:port` is a name. A `!` in front of a pattern of a list means that a match with
it decides against the whole list. The source is PATTERNS in ssh_config(5).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

__all__ = ["is_match", "is_match_in_list"]


def is_match(text: str, pattern: str) -> bool:
    """Say whether the whole text matches one pattern; case counts."""
    if "*" not in pattern and "?" not in pattern:
        # Most names are plain, and a file of thousands of them would only thrash the cache of
        # compiled patterns.
        return text == pattern
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def is_match_in_list(text: str, patterns: Iterable[str]) -> bool:
    """Say whether some pattern matches and no negated one does."""
    matched = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if is_match(text, pattern[1:]):
                return False
        elif is_match(text, pattern):
            matched = True
    return matched
