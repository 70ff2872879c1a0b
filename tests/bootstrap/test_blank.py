"""Blanking takes away what the interpreter does not need, and nothing else."""

import importlib.util
import json
import subprocess
import textwrap
from pathlib import Path

import pytest

from remotesvc.bootstrap.blank import blank
from tests.architecture.tree import ROOT, old_python_files
from tests.bootstrap.same_code import essence
from tests.interpreters import Interpreter, find_interpreters

CASES = [
    pytest.param('"""Doc."""\nx = 1\n', "\nx=1", id="module docstring"),
    pytest.param('"doc"\n"not doc"\nx = 1', "\n\nx=1", id="second string"),
    pytest.param('def f():\n    """Doc."""\n', "def f():\n pass", id="body of a docstring only"),
    pytest.param('def f(): "doc"', "def f():pass", id="docstring on the line of the def"),
    pytest.param('def f():\n    "doc"; return 1', "def f():\n pass;return 1", id="semicolon"),
    pytest.param('def f():\n    "a"\n    "b"', "def f():\n pass", id="two strings only"),
    pytest.param('x = 1; "a"; y = 2', "x=1;pass;y=2", id="string between semicolons"),
    pytest.param('def f():\n  (\n   "doc"\n  )\n  x = 1', "def f():\n\n\n\n x=1", id="parens"),
    pytest.param("x = 1  # why\n# and\ny = 2", "x=1\n\ny=2", id="comments"),
    pytest.param("x = '# not a comment'", "x='# not a comment'", id="hash in a string"),
    pytest.param("def f(a: 'int' = 1, *b: 'x', c: (int) = 2, **d: 'y') -> 'z': pass",
                 "def f(a=1,*b,c=2,**d):pass", id="annotations"),
    pytest.param("def f(a: {1: 2}[1]) -> {1: 2}[1]:\n  return a",
                 "def f(a):\n return a", id="annotations with colons"),
    pytest.param("def f(\n    a: 'int',\n) -> (\n  'int'\n):\n    return a",
                 "def f(\na,\n)\\\n\\\n:\n return a", id="annotation over several lines"),
    pytest.param("f = lambda a: {a: 1}", "f=lambda a:{a:1}", id="lambda is no annotation"),
    pytest.param("x: (int) = (3)\n(y): int = 4\nz.a: int = 5",
                 "x=(3)\n(y)=4\nz.a=5", id="annotated assignment"),
    pytest.param("class A:\n    x: int\n    y: str", "class A:\n pass", id="annotations only"),
    pytest.param("x: list[\n  int\n] = [\n  1,\n]", "x\\\n\\\n=[\n1,\n]", id="lines kept"),
    pytest.param("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import a\n    x = 1\nimport b",
                 "\n\n\n\nimport b", id="imports for type checkers"),
    pytest.param("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    a = 1\nelse:\n    a = 2",
                 "TYPE_CHECKING=False\nif TYPE_CHECKING:\n a=1\nelse:\n a=2", id="with an else"),
    pytest.param("if a:\n    b()\nelif TYPE_CHECKING:\n    c()",
                 "if a:\n b()\nelif TYPE_CHECKING:\n c()", id="elif"),
    pytest.param("def f():\n    if TYPE_CHECKING:\n        import a",
                 "def f():\n pass", id="body for type checkers only"),
    pytest.param("__all__ = [\n  'x',\n]\nx = 1", "\n\n\nx=1", id="__all__"),
    pytest.param("__all__ = ['x']\ny = __all__", "__all__=['x']\ny=__all__", id="__all__ in use"),
    pytest.param("x = a \\\n    + b", "x=a\\\n+b", id="backslash"),
    pytest.param("x = [\n    1,\n\n    # why\n    2,\n]", "x=[\n1,\n\n\n2,\n]", id="brackets"),
    pytest.param('x = """a\n    b  \n  # c\n"""\ny = 1',
                 'x="""a\n    b  \n  # c\n"""\ny=1', id="long string"),
    pytest.param("x = f'{a} {b!r:>{c}}'", "x=f'{a} {b!r:>{c}}'", id="f-string"),
    pytest.param("x = '' '' f'' \"'\" ", "x='' ''f'' \"'\"", id="adjacent strings"),
    pytest.param(r"x = 'it\'s' r'\' '", r"x='it\'s'r'\' '", id="escapes"),
    pytest.param("x = 1 if a else .5", "x=1 if a else.5", id="number beside a word"),
    pytest.param("x = 1 .real + 1e-3 + 0x1F", "x=1 .real+1e-3+0x1F", id="numbers"),
    pytest.param("from . import a\nfrom .b import c", "from.import a\nfrom.b import c", id="dots"),
    pytest.param("if a:\n\tb\nelse:\n\tc", "if a:\n b\nelse:\n c", id="tabs"),
    pytest.param("x = 'é'; y: 'é' = 'ü'  # ö\ndef é(a: 'ä'): pass",
                 "x='é';y='ü'\ndef é(a):pass", id="columns of ast count bytes"),
    pytest.param("a = 1\r\nb = 2\r\n", "a=1\nb=2", id="CRLF"),
    pytest.param("", "", id="empty"),
    pytest.param("# nothing\n", "", id="nothing but a comment"),
    pytest.param("x = 1  # end", "x=1", id="comment at the very end"),
    pytest.param("if x:\n  y\n  # end ", "if x:\n y", id="space at the very end"),
]  # fmt: skip

# Files of the standard library that hold much odd syntax.
ODD_MODULES = ["_pydecimal", "argparse", "ast", "inspect", "test.test_grammar", "typing"]


def module_source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        pytest.skip(f"this Python has no source of {name}")
    return Path(spec.origin).read_text("utf-8")


@pytest.mark.parametrize(("source", "expected"), CASES)
def test_blank_leaves_what_runs(source: str, expected: str) -> None:
    assert blank(source) == expected
    assert essence(blank(source)) == essence(source)


@pytest.mark.parametrize("source", [case.values[0] for case in CASES])
def test_blanking_twice_changes_nothing_more(source: str) -> None:
    once = blank(str(source))

    assert blank(once) == once


@pytest.mark.parametrize("path", old_python_files(), ids=str)
def test_file_that_may_travel_keeps_its_code_and_its_lines(path: Path) -> None:
    source = (ROOT / path).read_text("utf-8")

    assert essence(blank(source)) == essence(source)


@pytest.mark.parametrize("name", ODD_MODULES)
def test_odd_syntax_keeps_its_code_and_its_lines(name: str) -> None:
    source = module_source(name)

    assert essence(blank(source)) == essence(source)


def test_source_that_does_not_parse_is_refused() -> None:
    with pytest.raises(SyntaxError):
        blank("def f(:\n")


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """What this Python makes of each file that may travel, by its source."""
    sources = [(ROOT / path).read_text("utf-8") for path in old_python_files()]
    return {source: blank(source) for source in sources}


CONTROLLERS = find_interpreters(at_least=(3, 10))


@pytest.mark.matrix
@pytest.mark.parametrize(
    "python",
    # The oldest and the newest; those between are soak tests.
    [
        pytest.param(
            one, marks=[] if one in CONTROLLERS[:1] + CONTROLLERS[-1:] else pytest.mark.soak
        )
        for one in CONTROLLERS
    ],
    ids=str,
)
def test_every_controller_python_gives_the_same_text(
    python: Interpreter, texts: dict[str, str]
) -> None:
    program = textwrap.dedent(
        """
        import json, sys
        from remotesvc.bootstrap.blank import blank
        json.dump([blank(source) for source in json.load(sys.stdin)], sys.stdout)
        """
    )

    done = subprocess.run(
        [python.path, "-B", "-c", program],
        cwd=ROOT,
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == list(texts.values())
