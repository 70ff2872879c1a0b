"""Python blocks of the documentation run as they stand, local children in the place of hosts.

Each is a file of its own, as a reader would paste it: nothing stands before or around it.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)

# `router.ssh("web1", …)` of the texts opens a child on this host: what is shown is the calls.
# Python runs it before the block, and not in children: they do not inherit the path to it.
PROLOGUE = """
import os
del os.environ["PYTHONPATH"]
import remotesvc
remotesvc.Router.ssh = lambda self, host, **options: self.local(name=host)
remotesvc.Router.podman = lambda self, container, **options: self.local(name=container)
remotesvc.Router.sudo = lambda self, **options: self.local(name="root")
"""


def blocks() -> list[tuple[str, str]]:
    """Return (where it stands, code) of every block."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 2
            found.append((f"{document.name}:{line}", match.group(1)))
    return found


@pytest.mark.parametrize("code", [pytest.param(code, id=where) for where, code in blocks()])
def test_block_of_the_documentation_runs(code: str, tmp_path: Path) -> None:
    program = tmp_path / "block.py"
    program.write_text(code, encoding="utf-8")
    folder = tmp_path / "prologue"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(PROLOGUE, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 0, done.stderr


def test_readme_has_a_block_that_runs() -> None:
    assert any(where.startswith("README.md") for where, _ in blocks())
