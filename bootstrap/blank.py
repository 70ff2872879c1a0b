r"""Source to smaller source: what the interpreter does not need is blanked before it is sent.

Removed are comments, docstrings, annotations, `__all__`, `if TYPE_CHECKING:` blocks and the
space between tokens. Kept are every name, every statement and every line number, so a traceback
of the child fits the file here. Only this file knows how that is done.

It serves this library's own files, which are valid for Python 3.6, and gives the same text on
every Python from 3.10 on that runs it: spans come from `ast`, tokens from one pattern of our
own, because `tokenize` cuts f-strings in pieces from 3.12 on and takes two to four times as
long, on the way to a first call. A module that reads its own annotations, docstrings or
`__all__` at run time must not be blanked.
"""

import ast
import bisect
import re
import sys

from remotesvc.bootstrap.parse import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List, NamedTuple, Sequence, Tuple, Union

    class Token(NamedTuple):
        """One token that matters: its offset in the source, its row, its column, its text."""

        start: int
        row: int
        column: int
        text: str

    Span = Tuple[int, int, str]
    Placed = Union[ast.stmt, ast.expr, ast.arg]
else:
    from collections import namedtuple

    Token = namedtuple("Token", "start row column text")

__all__ = ["blank"]

# Order matters: a string comes before a word, because of its prefix. A number takes whatever may
# follow its first digit, for it is copied as it stands.
PATTERN = re.compile(
    r"""
    (?: [ \t\f]+ | \#[^\n]* )*
    (?: (?P<newline> \\? \n )
    | (?P<string> [rRbBuUfF]{0,2} (?:
          \"\"\" [^\\"]* (?: (?: \\. | "(?!"") ) [^\\"]* )* \"\"\"
        | ''' [^\\']* (?: (?: \\. | '(?!'') ) [^\\']* )* '''
        | " [^\\"\n]* (?: \\. [^\\"\n]* )* "
        | ' [^\\'\n]* (?: \\. [^\\'\n]* )* '
      ) )
    | (?P<word> [^\W\d]\w* | \.?\d (?: [eE][+-] | [\w.] )* )
    | (?P<mark> -> | . ) )
    """,
    re.DOTALL | re.VERBOSE,
)

# The text of the token that ends a logical line.
END = "\n"

OPENING = ("(", "[", "{")
CLOSING = (")", "]", "}")
QUOTES = ("'", '"')

# Comes after every token.
NO_SPAN = (sys.maxsize, sys.maxsize, "")

# Module-level names that only tools read: their assignment goes, unless the module reads them.
TOOL_NAMES = ("TYPE_CHECKING", "__all__")


def blank(source: "str") -> "str":
    """Return `source` without what the interpreter does not need, each line at its number.

    The result compiles to the same code but for docstrings, annotations and the removed names.
    Raises SyntaxError for a source that does not parse.
    """
    # The pattern wants every space and comment followed by something.
    source = source.replace("\r\n", "\n").replace("\r", "\n") + "\n"
    tokens = list(_scan(source))
    return _render(_apply(tokens, _Spans(source, tokens).collect()))


def _scan(source: "str") -> "Iterator[Token]":
    """Yield the tokens of a source, an END after each logical line, no space and no comment."""
    row = 1
    line_start = 0
    depth = 0
    is_blank = True
    for match in PATTERN.finditer(source):
        kind = match.lastgroup or "mark"
        text = match.group(kind)
        start = match.start(kind)
        if kind != "newline":
            yield Token(start, row, start - line_start, text)
            is_blank = False
            if kind == "mark":
                depth += (text in OPENING) - (text in CLOSING)
        elif depth == 0 and not is_blank and text == END:
            yield Token(start, row, start - line_start, END)
            is_blank = True
        if "\n" in text:
            row += text.count("\n")
            line_start = start + text.rindex("\n") + 1


class _Spans:
    """Finds what goes: spans of offsets, each with the text that stands in for it."""

    def __init__(self, source: "str", tokens: "Sequence[Token]") -> "None":
        self._source = source
        self._tokens = tokens
        self._starts = [token.start for token in tokens]
        self._lines = source.split("\n")
        self._offsets = [0]
        for line in self._lines:
            self._offsets.append(self._offsets[-1] + len(line) + 1)
        self._spans: "List[Span]" = []

    def collect(self) -> "List[Span]":
        """Return the spans in the order of the source; none overlaps another."""
        tree = parse(self._source)
        self._visit_body(tree.body, may_be_empty=True)
        self._spans.sort()
        for name in TOOL_NAMES:
            self._drop_tool_name(tree.body, name)
        self._spans.sort()
        return self._spans

    def _offset(self, row: "int", column: "int") -> "int":
        """The offset of a place as `ast` gives it: its columns count UTF-8 bytes."""
        line = self._lines[row - 1]
        if not line.isascii():
            column = len(line.encode("utf-8")[:column].decode("utf-8"))
        return self._offsets[row - 1] + column

    def _start(self, node: "Placed") -> "int":
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: "Placed") -> "int":
        if node.end_lineno is None or node.end_col_offset is None:
            raise ValueError("ast gives no end for the node at line %d" % node.lineno)
        return self._offset(node.end_lineno, node.end_col_offset)

    def _drop(self, start: "int", end: "int", stand_in: "str" = "") -> "None":
        self._spans.append((start, end, stand_in))

    def _back_to(self, text: "str", offset: "int") -> "int":
        """The offset of the last token `text` before an offset."""
        index = bisect.bisect_left(self._starts, offset) - 1
        while self._tokens[index].text != text:
            index -= 1
        return self._starts[index]

    def _on_to(self, text: "str", offset: "int") -> "int":
        """The offset of the first token `text` at or after an offset."""
        index = bisect.bisect_left(self._starts, offset)
        while self._tokens[index].text != text:
            index += 1
        return self._starts[index]

    def _visit_body(self, body: "Sequence[ast.stmt]", may_be_empty: "bool" = False) -> "None":
        is_noise = [self._is_noise(node) for node in body]
        is_emptied = all(is_noise) and not may_be_empty
        for node, goes in zip(body, is_noise, strict=True):
            if goes:
                self._drop_statement(node, keep_place=is_emptied and node is body[0])
            else:
                self._visit(node)

    def _visit(self, node: "ast.stmt") -> "None":
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._drop_annotations(node)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            colon = self._back_to(":", self._start(node.annotation))
            self._drop(colon, self._back_to("=", self._start(node.value)))
        for field in ("body", "orelse", "finalbody"):
            self._visit_body(getattr(node, field, ()))
        for field in ("handlers", "cases"):
            for part in getattr(node, field, ()):
                self._visit_body(part.body)

    def _is_noise(self, node: "ast.stmt") -> "bool":
        """Whether a statement does nothing: a bare string, a bare annotation, types only."""
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        if isinstance(node, ast.AnnAssign):
            return node.value is None
        return (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
            and not node.orelse
            and self._source.startswith("if", self._start(node))
        )

    def _drop_statement(self, node: "ast.stmt", keep_place: "bool" = False) -> "None":
        """Drop a statement; `pass` holds its place in an emptied body and beside a semicolon."""
        start = self._start(node)
        end = self._end(node)
        first = bisect.bisect_left(self._starts, start)
        after = bisect.bisect_left(self._starts, end)
        has_before = first > 0 and self._tokens[first - 1].text != END
        has_after = after < len(self._tokens) and self._tokens[after].text != END
        self._drop(start, end, "pass" if keep_place or has_before or has_after else "")

    def _drop_annotations(self, node: "Union[ast.FunctionDef, ast.AsyncFunctionDef]") -> "None":
        arguments = node.args
        every = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
        every += [extra for extra in (arguments.vararg, arguments.kwarg) if extra is not None]
        for argument in every:
            if argument.annotation is not None:
                self._drop(self._start(argument) + 1, self._end(argument))
        if node.returns is not None:
            arrow = self._back_to("->", self._start(node.returns))
            self._drop(arrow, self._on_to(":", self._end(node.returns)))

    def _drop_tool_name(self, body: "Sequence[ast.stmt]", name: "str") -> "None":
        """Drop the module's assignments of a name that nothing left in the module reads."""
        assignments = [node for node in body if _assigns(node, name)]
        mentions = [token for token in _apply(self._tokens, self._spans) if token.text == name]
        if len(mentions) == len(assignments):
            for node in assignments:
                self._drop_statement(node)


def _assigns(node: "ast.stmt", name: "str") -> "bool":
    """Whether a statement is the plain assignment `name = ...`."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1:
        return False
    target = node.targets[0]
    return isinstance(target, ast.Name) and target.id == name


def _apply(tokens: "Sequence[Token]", spans: "Sequence[Span]") -> "Iterator[Token]":
    """Yield the tokens that stay, and stand-ins in the place of the first one that goes."""
    waiting = iter(spans)
    start, end, stand_in = next(waiting, NO_SPAN)
    for token in tokens:
        while token.start >= end:
            start, end, stand_in = next(waiting, NO_SPAN)
        if token.start < start:
            yield token
        elif stand_in:
            yield token._replace(text=stand_in)
            stand_in = ""


def _render(tokens: "Iterator[Token]") -> "str":
    """Write tokens as closely as they may stand, each on its row, one space per block."""
    pieces: "List[str]" = []
    indents = [0]
    row = 1
    depth = 0
    last = END
    for _, token_row, column, text in tokens:
        if text != END:
            if last == END:
                _indent(indents, column)
                pieces.append("\n" * (token_row - row) + " " * (len(indents) - 1))
            elif token_row > row:
                pieces.append(("\n" if depth else "\\\n") * (token_row - row))
            elif _must_part(last, text):
                pieces.append(" ")
            pieces.append(text)
            row = token_row + text.count("\n")
            depth += (text in OPENING) - (text in CLOSING)
        last = text
    return "".join(pieces)


def _indent(indents: "List[int]", column: "int") -> "None":
    """Open or close blocks until the innermost one begins at a column."""
    while indents[-1] > column:
        indents.pop()
    if indents[-1] < column:
        indents.append(column)


def _must_part(left: "str", right: "str") -> "bool":
    """Whether two tokens would read as one, or as others, without a space between them."""
    before = left[-1]
    after = right[0]
    if after == ".":
        return left[0].isdigit()
    if after in QUOTES:
        return before in QUOTES
    return (before.isalnum() or before == "_") and (after.isalnum() or after == "_")
