"""Lists what a call would send to each host; connects to none.

Own source only: installed packages come from the host, which asks for them if it lacks them.
"""

import json

from remotesvc.bootstrap.payload import build
from remotesvc.controller.modules.found import Module
from remotesvc.controller.modules.locate import Locator
from remotesvc.controller.modules.related import closure
from remotesvc.core.visible import visible

from .output import Output

__all__ = ["show_cargo"]


def show_cargo(output: Output, locator: Locator, module: str, *, is_json: bool) -> None:
    """Write the modules that travel with a call into `module`, and their sizes in bytes."""
    modules = closure(locator, [module])
    show = _json_line if is_json else _text_line
    for found in modules:
        output.result(show(found))
    total = sum(len(found.source) for found in modules)
    output.talk(
        f"{len(modules)} modules of your own source, {total:,} bytes before compression, would "
        f"travel to each host, and remotesvc itself: {len(build()):,} bytes. "
        "Installed packages travel only if the host lacks them. Nothing was sent"
    )


def _text_line(found: Module) -> str:
    return visible(f"{len(found.source):>9,}  {found.name}  {found.path}".rstrip())


def _json_line(found: Module) -> str:
    return json.dumps({"module": found.name, "bytes": len(found.source), "path": found.path})
