"""An import that nobody sees before it runs."""

import importlib


def import_late() -> str:
    return importlib.import_module("".join(("remotesvc", ".service"))).__name__
