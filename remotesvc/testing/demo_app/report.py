"""Collects a report about the host it runs on: the entry points of the demo."""

import time

from remotesvc.testing.demo_app import host_facts, layout

from . import settings

__all__ = ["collect", "fail"]


def collect(
    title: "str" = "How this host is", lines: "int" = 3, pause: "float" = 0.0
) -> "dict[str, object]":
    """Print `lines` lines of progress, `pause` seconds apart; return the facts as plain values."""
    if lines < 1:
        raise ValueError(f"lines must be at least 1, not {lines!r}")
    for number in range(1, lines + 1):
        print(layout.progress(title, number, lines), flush=True)
        time.sleep(pause)
    facts = host_facts.gather()
    return {"title": title, "heading": layout.heading(facts["hostname"]), "host": facts}


def fail(path: "str" = "/nonexistent") -> "str":
    """Read the settings in a file that is not there: shows how errors arrive."""
    return settings.first_setting(path)
