"""The modules that travel with a call, tried out in a real interpreter that has only those."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from remotesvc.controller.modules import related
from remotesvc.controller.modules.locate import Locator, Module
from remotesvc.controller.modules.related import closure, granted_by
from tests.controller.modules.trees import write_tree

HOST = Path(__file__).parent / "fixtures" / "import_from_closure.py"


def names(modules: Iterable[Module]) -> list[str]:
    return [module.name for module in modules]


def import_over_there(modules: Iterable[Module], name: str) -> str:
    """Import `name` in a fresh interpreter that has nothing but these modules."""
    rows = [(m.name, m.kind, m.path, m.source.decode("latin-1")) for m in modules]
    finished = subprocess.run(
        [sys.executable, "-I", str(HOST)],
        input=json.dumps({"run": name, "modules": rows}),
        capture_output=True,
        text=True,
        env={"PATH": os.defpath},
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_closure_is_enough_to_import_a_program_of_every_kind(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "app/__init__.py": "from .base import BASE",
            "app/base.py": "BASE = 1",
            "app/run.py": """
                import importlib, json
                import space.left, space.right.deep
                from . import empty, ring_a, swapped
                from .base import BASE
                from .inner.leaf import LEAF
                try:
                    import not_anywhere
                except ImportError:
                    not_anywhere = None
                def late():
                    from . import late_one
                    return late_one.VALUE
                dynamic = importlib.import_module("app.dynamic")
                parts = [BASE, LEAF, late(), dynamic.VALUE, space.left.L, space.right.deep.R]
                RESULT = parts + [ring_a.both(), swapped.answer, json.loads("7"), empty.__name__]
                """,
            "app/inner/__init__.py": "",
            "app/inner/leaf.py": "from ..base import BASE\nLEAF = BASE + 1",
            "app/late_one.py": "VALUE = 3",
            "app/dynamic.py": b"# coding: latin-1\nVALUE = len('\xe9')",
            "app/empty.py": "",
            "app/ring_a.py": "from . import ring_b\nA = 1\ndef both(): return A + ring_b.b()",
            "app/ring_b.py": "from . import ring_a\ndef b(): return ring_a.A",
            "app/swapped.py": """
                import sys
                class Swapped: answer = 42
                sys.modules[__name__] = Swapped
                """,
            "app/unused.py": "raise RuntimeError",
            "one/space/left.py": "L = 'left'",
            "two/space/right/deep.py": "R = 'right'",
        },
    )
    search_path = [str(tmp_path), str(tmp_path / "one"), str(tmp_path / "two")]

    modules = closure(Locator(search_path), ["app.run"])

    assert "app.unused" not in names(modules)
    result = import_over_there(modules, "app.run")
    assert result == "[1, 2, 3, 1, 'left', 'right', 2, 42, 7, 'app.empty']"


def test_packages_come_before_what_is_in_them_and_each_once(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "a/__init__.py": "",
            "a/b/__init__.py": "import z.y",
            "a/b/c.py": "import a.b, z.y, z",
            "z/__init__.py": "import a.b.c",
            "z/y.py": "",
        },
    )

    found = names(closure(Locator([str(tmp_path)]), ["a.b.c", "a.b.c"]))

    assert found == ["a", "a.b", "a.b.c", "z", "z.y"]


def test_module_with_a_syntax_error_travels_and_imports_nothing(tmp_path: Path) -> None:
    write_tree(
        tmp_path, {"app.py": "import broken", "broken.py": "import app2\ndef", "app2.py": ""}
    )

    assert names(closure(Locator([str(tmp_path)]), ["app"])) == ["app", "broken"]


def test_installed_packages_and_the_standard_library_are_not_sent_ahead(tmp_path: Path) -> None:
    write_tree(tmp_path, {"src/app.py": "import third, json", "site-packages/third.py": ""})
    locator = Locator([str(tmp_path / "src"), str(tmp_path / "site-packages")])

    modules = closure(locator, ["app"])

    assert names(modules) == ["app"]
    assert granted_by(locator, ["app"], modules) == {"app", "third"}


def test_denied_modules_stay_here_with_what_only_they_import(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/run.py": "from . import secrets, secretary",
            "app/secrets/__init__.py": "import vault",
            "app/secretary.py": "",
            "vault.py": "",
        },
    )

    found = names(closure(Locator([str(tmp_path)]), ["app.run"], deny=["app.secrets"]))

    assert found == ["app", "app.run", "app.secretary"]


def test_main_program_can_be_the_seed(tmp_path: Path) -> None:
    write_tree(tmp_path, {"helper.py": ""})
    main = Module("__main__", "module", "/x/main.py", b"import helper", "own")
    locator = Locator([str(tmp_path)])

    modules = closure(locator, [main])

    assert names(modules) == ["__main__", "helper"]
    assert granted_by(locator, [main], modules) == {"__main__", "helper"}


def test_seed_that_is_nowhere_gives_nothing(tmp_path: Path) -> None:
    assert closure(Locator([str(tmp_path)]), ["nope", "json", ""]) == ()


def test_importing_remotesvc_sends_nothing_of_it(tmp_path: Path) -> None:
    source = "import remotesvc, remotesvc.core.errors\nfrom remotesvc.controller import modules"
    write_tree(tmp_path, {"app.py": source})
    checkout = Path(related.__file__).parents[3]
    locator = Locator([str(tmp_path), str(checkout)])

    modules = closure(locator, ["app"])

    assert names(modules) == ["app"]
    assert granted_by(locator, ["app"], modules) == {"app"}


def test_part_of_remotesvc_sent_by_name_travels_with_its_packages(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "remotesvc/__init__.py": "",
            "remotesvc/testing/__init__.py": "",
            "remotesvc/testing/other.py": "",
            "remotesvc/testing/demo_app/__init__.py": "",
            "remotesvc/testing/demo_app/run.py": "from . import more\nfrom .. import other",
            "remotesvc/testing/demo_app/more.py": "",
        },
    )
    locator = Locator([str(tmp_path)])

    modules = closure(locator, ["remotesvc.testing.demo_app.run"])

    demo = "remotesvc.testing.demo_app"
    assert names(modules) == ["remotesvc.testing", demo, f"{demo}.run", f"{demo}.more"]
    assert granted_by(locator, [f"{demo}.run"], modules) == {demo}


def test_serving_an_installed_package_grants_what_it_imports(tmp_path: Path) -> None:
    write_tree(tmp_path, {"site-packages/third.py": "import os, fourth.part"})
    locator = Locator([str(tmp_path / "site-packages")])
    third = locator.find("third")
    assert isinstance(third, Module)

    assert granted_by(locator, [], [third]) == {"third", "fourth"}


def test_number_of_modules_sent_ahead_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {f"m{n}.py": f"import m{n + 1}" for n in range(9)})
    monkeypatch.setattr(related, "MAX_CLOSURE_MODULES", 4)

    assert names(closure(Locator([str(tmp_path)]), ["m0"])) == ["m0", "m1", "m2", "m3"]


def test_bytes_sent_ahead_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"app.py": "import big, small", "big.py": "#" * 99, "small.py": ""})
    monkeypatch.setattr(related, "MAX_CLOSURE_BYTES", 60)

    assert names(closure(Locator([str(tmp_path)]), ["app"])) == ["app", "small"]


def test_file_changed_since_is_read_again(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app.py": "import a", "a.py": "", "b.py": ""})
    locator = Locator([str(tmp_path)])
    before = names(closure(locator, ["app"]))

    write_tree(tmp_path, {"app.py": "import b"})

    assert (before, names(closure(locator, ["app"]))) == (["app", "a"], ["app", "b"])
