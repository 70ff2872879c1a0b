"""The main program: cut at its guard, in every way there is to start one."""

import linecache
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.main_module import (
    Refused,
    cut_at_guard,
    main_source,
)
from tests.controller.modules.trees import write_tree, zip_tree

# A program that says how its own main module would travel.
REPORT = """
import sys
from remotesvc.controller.modules.main_module import main_source

def report() -> None:
    found = main_source()
    print(type(found).__name__, getattr(found, "name", ""))
"""
GUARDED = REPORT + "\nif __name__ == '__main__':\n    report()\n"


def run_cut(source: str) -> list[str]:
    """Run what is left of a program as the host does; give what it recorded."""
    rest = cut_at_guard(source.encode())
    assert rest is not None
    assert rest.count(b"\n") == source.count("\n")
    ran: list[str] = []
    exec(compile(rest, "main.py", "exec"), {"__name__": "__main__", "ran": ran})
    return ran


@pytest.mark.parametrize(
    "guard",
    [
        "if __name__ == '__main__':",
        'if __name__ == "__main__":',
        "if '__main__' == __name__:",
        "if (__name__ == '__main__'):",
        "if (\n    __name__\n    == '__main__'\n):",
        "if __name__ == '__main__' and len(ran) < 9:",
        "if __name__ in ('__main__', '__mp_main__'):",
        "if __name__ in {'__main__'}:",
        "if not __name__ != '__main__':",
        "if __name__ == '__main__':  # start",
    ],
)
def test_guard_is_known_in_every_spelling(guard: str) -> None:
    source = f"ran.append('top')\n{guard}\n    ran.append('guarded')\nran.append('after')\n"

    assert run_cut(source) == ["top", "after"]


@pytest.mark.parametrize(
    "source",
    [
        "",
        "run()\n",
        "def f():\n    if __name__ == '__main__':\n        run()\n",
        "if __name__ == '__main__' or debug:\n    run()\n",
        "if name == '__main__':\n    run()\n",
        "if __name__ == 'main':\n    run()\n",
        "if __name__ != '__main__':\n    raise ImportError\n",
        "@app.main()\ndef main(): pass\n",
        "def broken(:\n",
    ],
)
def test_program_without_a_guard_is_not_cut(source: str) -> None:
    assert cut_at_guard(source.encode()) is None


def test_one_line_guard_is_cut() -> None:
    assert run_cut("if __name__ == '__main__': ran.append('guarded')\nran.append('after')") == [
        "after"
    ]


def test_else_of_a_guard_runs_as_it_does_on_import() -> None:
    source = """
if __name__ == "__main__":
    ran.append("guarded")
    else_text = '''
else: nothing
'''
# a comment
else:  # why
    ran.append("imported")
ran.append("after")
"""
    assert run_cut(source) == ["imported", "after"]
    assert run_cut(source.replace("else:  # why\n   ", "else:")) == ["imported", "after"]


def test_elif_of_a_guard_is_decided_as_it_is_on_import() -> None:
    source = """
if __name__ == "__main__":
    ran.append("guarded")
elif ran:
    ran.append("never")
elif not ran:
    ran.append("second")
else:
    ran.append("never")
"""
    assert run_cut(source) == ["second"]


def test_program_in_the_else_of_an_inverted_guard_is_cut() -> None:
    source = """
if __name__ != "__main__":
    ran.append("not over there either: its name is __main__")
else:
    ran.append("guarded")
ran.append("after")
"""
    assert run_cut(source) == ["after"]


@pytest.mark.parametrize(
    ("header", "decorator"),
    [
        ("import remotesvc", "@remotesvc.main()"),
        ("import remotesvc", "@remotesvc.main"),
        ("import remotesvc as rs", "@rs.main(log_level='DEBUG')"),
        ("from remotesvc import Router, main", "@main()"),
        ("from remotesvc import main as start", "@start()"),
        ("import remotesvc", "@other\n@remotesvc.main()"),
    ],
)
def test_function_decorated_as_main_is_cut_whole(header: str, decorator: str) -> None:
    source = f"{header}\nx = 1\n{decorator}\ndef program(router):\n    run()\n\ny = 2\n"

    rest = cut_at_guard(source.encode())

    assert rest is not None
    assert rest.split() == f"{header}\nx = 1\ny = 2".encode().split()
    assert rest.count(b"\n") == source.count("\n")


def test_what_stood_under_the_guard_does_not_travel() -> None:
    rest = cut_at_guard(b"if __name__ == '__main__':\n    HOSTS = ['db1']\n    run(HOSTS)\n")

    assert rest == b"\n\n\n"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_line_numbers_stay_with_any_line_end(end: bytes) -> None:
    lines = [b"a = 1", b"if __name__ == '__main__':", b"    a = 2", b"", b"def f(): 1 / 0", b""]

    rest = cut_at_guard(end.join(lines))

    assert rest == end.join([b"a = 1", b"", b"", b"", b"def f(): 1 / 0", b""])


def test_declared_encoding_and_odd_characters_keep_the_lines() -> None:
    source = "# coding: latin-1\nx = 'é\x0b\x85'\nif __name__ == '__main__':\n    y = 'é'\nz = 1"

    rest = cut_at_guard(source.encode("latin-1"))

    assert rest == "# coding: latin-1\nx = 'é\x0b\x85'\n\n\nz = 1".encode("latin-1")


STATEMENTS = st.sampled_from(
    [
        "x = 1",
        "text = '''\nelse:\n'''",
        "if x:\n    y = 1\nelse:\n    y = 2",
        "# comment",
        "def f():\n    return '''\n'''",
        "if __name__ == '__main__':\n    run()\nelse:\n    z = 1",
        "if __name__ == '__main__':\n    run()\nelif x:\n    z = 1\nelse:\n    z = 2",
        "if __name__ != '__main__':\n    z = 1\nelse:\n    run()",
    ]
)


@given(st.lists(STATEMENTS, max_size=6))
def test_what_is_left_compiles_and_starts_nothing(statements: list[str]) -> None:
    source = "\n".join(["x = 0", *statements, "if __name__ == '__main__':\n    run()\n"])

    rest = cut_at_guard(source.encode())

    assert rest is not None
    assert rest.count(b"\n") == source.count("\n")
    exec(compile(rest, "main.py", "exec"), {"__name__": "__main__"})  # `run` is not defined


# --- ways to start a program ----------------------------------------------------------------


def started(*arguments: str, folder: Path, stdin: str = "") -> str:
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_script_is_served_as_main(tmp_path: Path) -> None:
    write_tree(tmp_path, {"script.py": GUARDED, "tool": GUARDED})

    assert started("script.py", folder=tmp_path) == "Module __main__"
    assert started("tool", folder=tmp_path) == "Module __main__"


def test_program_started_by_module_name_travels_by_that_name(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {"app/__init__.py": "", "app/run.py": GUARDED, "app/__main__.py": GUARDED}
    )

    assert started("-m", "app.run", folder=tmp_path) == "TrueName app.run"
    assert started("-m", "app", folder=tmp_path) == "TrueName app.__main__"


def test_folder_or_zip_file_that_is_a_program_is_served_as_main(tmp_path: Path) -> None:
    write_tree(tmp_path, {"folder/__main__.py": GUARDED})
    zip_tree(tmp_path / "app.pyz", {"__main__.py": GUARDED})

    assert started("folder", folder=tmp_path) == "Module __main__"
    assert started("app.pyz", folder=tmp_path) == "Module __main__"


def test_program_without_a_file_is_refused(tmp_path: Path) -> None:
    assert started("-c", REPORT + "report()", folder=tmp_path).startswith("Refused")
    assert started("-", folder=tmp_path, stdin=REPORT + "report()").startswith("Refused")


def test_program_without_a_guard_is_refused_however_it_was_started(tmp_path: Path) -> None:
    write_tree(tmp_path, {"script.py": REPORT + "report()"})

    assert started("script.py", folder=tmp_path).startswith("Refused")
    assert started("-m", "script", folder=tmp_path).startswith("Refused")


def main_module(path: object) -> ModuleType:
    module = ModuleType("__main__")
    vars(module)["__file__"] = path
    return module


def test_main_module_carries_its_file_name_and_the_rest_of_the_source(tmp_path: Path) -> None:
    write_tree(tmp_path, {"script.py": "x = 1\nif __name__ == '__main__':\n    x = 2\n"})
    path = str(tmp_path / "script.py")

    assert main_source(main_module(path)) == Module("__main__", "module", path, b"x = 1\n\n\n")
    assert path not in linecache.cache


def test_refusal_without_a_guard_names_the_way_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"script.py": "run()"})

    found = main_source(main_module(str(tmp_path / "script.py")))

    assert isinstance(found, Refused)
    assert "script.py has no main guard" in found.reason
    assert "under `if __name__ == '__main__':`" in found.reason


@pytest.mark.parametrize("path", [None, "<stdin>", "/nowhere/script.py", "script.pyc"])
def test_refusal_without_a_source_file_names_the_way_out(path: str | None) -> None:
    found = main_source(main_module(path))

    assert isinstance(found, Refused)
    assert "cloudpickle" in found.reason
