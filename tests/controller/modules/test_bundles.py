"""Bundles hold whole rooms: a part that is missing would cost a flight."""

from pathlib import Path

import remotesvc.service
from remotesvc.bootstrap.manifest import MODULES
from remotesvc.controller.modules.bundles import (
    NAME_MODULES,
    SERVICE_MODULES,
    bundle_of,
    bundles_for,
)
from remotesvc.controller.modules.grants import is_toolkit


def test_bundle_of_services_has_every_file_of_the_room() -> None:
    files = Path(remotesvc.service.__file__).parent.glob("*.py")
    room = {f"remotesvc.service.{path.stem}" for path in files if path.stem != "__init__"}

    assert room <= set(SERVICE_MODULES)


def test_no_bundle_has_what_travels_in_the_bootstrap_or_may_not_travel() -> None:
    for name in (*SERVICE_MODULES, *NAME_MODULES):
        assert name not in MODULES
        assert is_toolkit(name)


def test_part_that_is_asked_for_brings_its_room() -> None:
    assert bundle_of("remotesvc.service.pool") == SERVICE_MODULES
    assert bundle_of("remotesvc.current") == NAME_MODULES
    assert bundle_of("remotesvc.core.capture") == ()


def test_modules_bring_what_they_import() -> None:
    assert set(SERVICE_MODULES) <= set(bundles_for("app", ["os", "remotesvc.service"]))
    assert set(NAME_MODULES) <= set(bundles_for("app", ["remotesvc.current_router"]))
    assert bundles_for("app", ["os", "remotesvc"]) == []
    assert "remotesvc.core.main_module" in bundles_for("__main__", [])
