"""Service: names, and what it has even if its class forgets to ask for it."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import remotesvc
from remotesvc.service.base import Service
from tests.architecture.tree import ROOT

PROGRAM = """
from remotesvc.service.base import Service
class LogService(Service):
    class Inner(Service): pass
if __name__ == "__main__":
    print(LogService.name(), LogService.Inner.name())
"""


class LogService(Service):
    """As users write it."""


class Forgetful(Service):
    """Does not call the constructor of its base."""

    def __init__(self, router: Any) -> None:
        self.mine = router


def names_printed(*command: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-B", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_name_is_module_and_class() -> None:
    assert LogService.name() == "tests.service.test_base.LogService"


def test_name_in_a_main_program_that_was_started_as_a_module_is_its_true_one(
    tmp_path: Path,
) -> None:
    package = tmp_path / "app"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "logs.py").write_text(PROGRAM)
    (package / "__main__.py").write_text(PROGRAM)

    assert names_printed("-m", "app.logs", folder=tmp_path) == [
        "app.logs.LogService",
        "app.logs.LogService.Inner",
    ]
    assert names_printed("-m", "app", folder=tmp_path)[0] == "app.__main__.LogService"
    assert names_printed("app/logs.py", folder=tmp_path)[0] == "__main__.LogService"


def test_name_may_be_chosen() -> None:
    class Files(Service):
        @classmethod
        def name(cls) -> str:
            return "files"

    assert Files.name() == "files"


def test_router_is_the_one_given(no_leaks: None) -> None:
    with remotesvc.Router() as router:
        assert LogService(router).router is router


def test_router_that_was_forgotten_is_an_error_that_says_so() -> None:
    with pytest.raises(AttributeError, match=r"Forgetful has no router: call super\(\).__init__"):
        _ = Forgetful(None).router


def test_select_is_made_at_first_use_and_stays() -> None:
    for service in (LogService(None), Forgetful(None)):  # type: ignore[arg-type]
        assert "_select" not in vars(service)
        assert type(service.select).__name__ == "Select"
        assert service.select is service.select
        service.select.close()


def test_services_do_not_share_a_select() -> None:
    one, other = Forgetful(None), Forgetful(None)

    assert one.select is not other.select


def test_threads_that_come_first_at_once_have_one_select() -> None:
    service = LogService(None)  # type: ignore[arg-type]
    barrier = threading.Barrier(8)
    found: list[object] = []

    def use() -> None:
        barrier.wait(60)
        found.append(service.select)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(found) == 8
    assert set(map(id, found)) == {id(service.select)}


def test_message_that_no_one_takes_is_an_error_that_names_the_class() -> None:
    with pytest.raises(NotImplementedError, match=r"LogService has receivers .* no on_message"):
        LogService(None).on_message(None)  # type: ignore[arg-type]


def test_defaults_of_the_class() -> None:
    service = Forgetful(None)
    service.on_shutdown()

    assert (service.pool, service.invoker_class) == (None, None)
