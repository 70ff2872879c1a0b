"""Bundles: which parts of remotesvc go to a child together; else it would ask for one by one.

A child gets a bundle with the first call that needs it, with the modules of the user's that import
one of its parts, or in answer to the first request for one. Pure; tests check that none is short.
"""

from collections.abc import Iterable

from ...channel.streams import STREAM_MODULES
from ...homes import HOMES

__all__ = [
    "LOG_MODULES",
    "MAIN_MODULES",
    "NAME_MODULES",
    "OPTION_MODULES",
    "SERVICE_MODULES",
    "bundle_of",
    "bundles_for",
]

# Calls with options.
OPTION_MODULES = ("remotesvc.core.call_options",)

# What makes the main program the one of the interpreter over there.
MAIN_MODULES = ("remotesvc.core.main_module",)

# The first log record.
LOG_MODULES = ("remotesvc.core.logs",)

# To serve, and to call, services.
SERVICE_MODULES = (
    *STREAM_MODULES,
    "remotesvc.channel.receiver",
    "remotesvc.channel.select",
    "remotesvc.core.context",
    "remotesvc.core.main_module",
    "remotesvc.core.reach",
    "remotesvc.core.rebuild",
    "remotesvc.core.secret",
    "remotesvc.core.services",
    "remotesvc.core.verbs",
    "remotesvc.core.visible",
    "remotesvc.homes",
    "remotesvc.service",
    "remotesvc.service.activation",
    "remotesvc.service.activator",
    "remotesvc.service.admission",
    "remotesvc.service.annotations",
    "remotesvc.service.arguments",
    "remotesvc.service.base",
    "remotesvc.service.call",
    "remotesvc.service.catalog",
    "remotesvc.service.desk",
    "remotesvc.service.expose",
    "remotesvc.service.flow",
    "remotesvc.service.interrupt",
    "remotesvc.service.invoker",
    "remotesvc.service.kinds",
    "remotesvc.service.offers",
    "remotesvc.service.policy",
    "remotesvc.service.pool",
    "remotesvc.service.proxy",
    "remotesvc.service.report",
    "remotesvc.service.request",
    "remotesvc.service.runner",
    "remotesvc.service.stream",
    "remotesvc.service.threads",
    "remotesvc.service.turns",
    "remotesvc.service.verbs",
    "remotesvc.service.waits",
)

# What user code over there reaches by the names of the package: streams, and the router.
NAME_MODULES = (
    *STREAM_MODULES,
    "remotesvc.channel.receiver",
    "remotesvc.channel.select",
    "remotesvc.homes",
)


def bundle_of(name: str) -> tuple[str, ...]:
    """Return what goes along with a part that was asked for."""
    for bundle in (NAME_MODULES, SERVICE_MODULES):
        if name in bundle:
            return bundle
    return ()


def bundles_for(seed: str, imported: Iterable[str]) -> list[str]:
    """Return what goes along with a seed whose modules may import these names."""
    names = set(imported)
    wanted = list(MAIN_MODULES) if seed == "__main__" else []
    if "logging" in names:
        wanted += LOG_MODULES
    if any(name == "remotesvc.service" or name.startswith("remotesvc.service.") for name in names):
        wanted += SERVICE_MODULES
    elif any(name.startswith("remotesvc.") and name[10:] in HOMES for name in names):
        wanted += NAME_MODULES
    return wanted
