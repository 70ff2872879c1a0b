"""Takes ssh_config files apart into lines: keyword, words, and where they stand.

Only this file knows the lexical rules of ssh_config(5): comments, quotes, `keyword=value`,
commands that are taken raw, and Include. It judges no value, and it reads each included file
whether or not the block around the Include applies, as OpenSSH does, so that an error in a
file does not depend on the host.
"""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from remotesvc.core.errors import ConnectError

__all__ = ["ConfigFile", "ConfigLine", "read_config_file", "split_words", "walk_lines"]

MAX_INCLUDE_DEPTH = 16
"""OpenSSH's own limit; a file that includes itself ends here."""

_WHITESPACE = " \t\r\n\f"
_RAW_KEYWORDS = frozenset({"knownhostscommand", "localcommand", "proxycommand", "remotecommand"})
_RAW_UP_TO_COMMENT = "proxyjump"
_OTHER_NAMES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "identityfile2": "identityfile",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "skeyauthentication": "kbdinteractiveauthentication",
    "tisauthentication": "kbdinteractiveauthentication",
}


@dataclass(frozen=True)
class ConfigLine:
    """One directive: keyword in lower case under its present name, and its words.

    `included` holds the files that an Include line stands for. `is_expanded` says that ssh
    itself has already replaced the tokens in the words.
    """

    where: str
    text: str
    keyword: str
    words: tuple[str, ...]
    included: tuple[ConfigFile, ...] = ()
    is_expanded: bool = False

    def problem(self, what: str, mend: str = "correct that line") -> ConnectError:
        """Return the error to raise about this line."""
        return _problem(self.where, self.text, what, mend)


@dataclass(frozen=True)
class ConfigFile:
    """The directives of one file, in order."""

    path: str
    lines: tuple[ConfigLine, ...]


@dataclass(frozen=True)
class _Place:
    """What an Include in a file depends on: where relative names start, how deep we are."""

    base: str
    is_checked: bool
    depth: int


def read_config_file(
    path: str, *, base: str, is_checked: bool = False, depth: int = 0
) -> ConfigFile:
    """Return the lines of a file and of what it includes.

    `base` is the folder where relative Include names start. `is_checked` refuses a file that
    somebody else could have written, as ssh refuses such a `~/.ssh/config`. Raises OSError for
    the file itself, ConnectError for what is wrong inside it or in an included one.
    """
    place = _Place(base, is_checked, depth)
    with open(path, "rb") as file:
        if is_checked:
            _check_owner(path, os.fstat(file.fileno()))
        content = file.read().decode("utf-8", "surrogateescape")
    lines = (
        _read_line(text, f"{path}:{number}", place)
        for number, text in enumerate(content.split("\n"), 1)
    )
    return ConfigFile(path, tuple(line for line in lines if line is not None))


def walk_lines(files: Iterable[ConfigFile]) -> Iterator[ConfigLine]:
    """Yield every line in the order of reading, those of included files after their Include."""
    for file in files:
        for line in file.lines:
            yield line
            yield from walk_lines(line.included)


def split_words(text: str) -> tuple[str, ...]:
    """Split the rest of a line as OpenSSH does; a word that begins with # ends it.

    Raises ValueError when a quote is not closed.
    """
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position] in _WHITESPACE:
            position += 1
        elif text[position] == "#":
            break
        else:
            word, position = _read_word(text, position)
            words.append(word)
    return tuple(words)


def _read_word(text: str, position: int) -> tuple[str, int]:
    word: list[str] = []
    quote = ""
    while position < len(text) and (quote or text[position] not in _WHITESPACE):
        character = text[position]
        following = text[position + 1 : position + 2]
        if character == "\\" and following and following in ("\"\\'" if quote else "\"\\' "):
            word.append(following)
            position += 1
        elif character == quote:
            quote = ""
        elif not quote and character in "\"'":
            quote = character
        else:
            word.append(character)
        position += 1
    if quote:
        raise ValueError(f"a {quote} is not closed")
    return "".join(word), position


def _read_line(text: str, where: str, place: _Place) -> ConfigLine | None:
    text = text.strip(_WHITESPACE)
    if not text or text.startswith("#"):
        return None
    keyword, rest = _split_keyword(text)
    keyword = _OTHER_NAMES.get(keyword, keyword)
    if not rest:
        raise _problem(where, text, f"{keyword} has no value", "give it one or remove that line")
    try:
        words = _split_value(keyword, rest)
    except ValueError as error:
        raise _problem(where, text, str(error), "close it") from None
    if not words:
        raise _problem(where, text, f"{keyword} has no value", "give it one or remove that line")
    line = ConfigLine(where, text, keyword, words)
    if keyword != "include":
        return line
    return ConfigLine(where, text, keyword, words, _read_included(line, place))


def _split_keyword(text: str) -> tuple[str, str]:
    if text.startswith('"'):
        keyword, _, rest = text[1:].partition('"')
    else:
        end = next((i for i, c in enumerate(text) if c in _WHITESPACE + "="), len(text))
        keyword, rest = text[:end], text[end:]
    rest = rest.lstrip(_WHITESPACE)
    if rest.startswith("="):
        rest = rest[1:].lstrip(_WHITESPACE)
    return keyword.lower(), rest


def _split_value(keyword: str, rest: str) -> tuple[str, ...]:
    if keyword in _RAW_KEYWORDS:
        # A command goes to a shell: quotes and # are the shell's to read.
        return (rest.lstrip(_WHITESPACE + "="),)
    if keyword == _RAW_UP_TO_COMMENT:
        return tuple(rest.partition("#")[0].split()[:1])
    return split_words(rest)


def _read_included(line: ConfigLine, place: _Place) -> tuple[ConfigFile, ...]:
    if place.depth >= MAX_INCLUDE_DEPTH:
        raise line.problem(
            f"files include each other more than {MAX_INCLUDE_DEPTH} deep",
            "take one Include out of the circle",
        )
    files: list[ConfigFile] = []
    for word in line.words:
        if not word:
            raise line.problem("Include has an empty name")
        pattern = os.path.join(place.base, os.path.expanduser(word))
        for path in sorted(glob.glob(pattern)):
            file = _read_one_included(line, path, place)
            if file is not None:
                files.append(file)
    return tuple(files)


def _read_one_included(line: ConfigLine, path: str, place: _Place) -> ConfigFile | None:
    try:
        return read_config_file(
            path, base=place.base, is_checked=place.is_checked, depth=place.depth + 1
        )
    except (FileNotFoundError, IsADirectoryError):
        # OpenSSH passes over both: a glob may name a folder, and a file may go meanwhile.
        return None
    except OSError as error:
        raise line.problem(
            f"the included {path} cannot be read: {error.strerror}", "make it readable"
        ) from error


def _check_owner(path: str, status: os.stat_result) -> None:
    if status.st_uid not in (0, os.getuid()):
        raise ConnectError(
            f"{path} belongs to another user (uid {status.st_uid}), so ssh would not use it "
            f"either; chown it to yourself",
            phase="resolve",
        )
    if stat.S_IMODE(status.st_mode) & 0o022:
        raise ConnectError(
            f"{path} can be written by others (mode {stat.S_IMODE(status.st_mode):o}), so ssh "
            f"would not use it either; run: chmod go-w {path}",
            phase="resolve",
        )


def _problem(where: str, text: str, what: str, mend: str) -> ConnectError:
    return ConnectError(f"{where}: {what}, in the line {text!r}; {mend}", phase="resolve")
