"""The options that commands have in common, as decorators, and their values as data."""

from collections.abc import Callable
from dataclasses import fields
from functools import reduce
from typing import Any

import click

from .hosts import parse_jumps
from .options import ConnectOptions, RunOptions
from .parameters import ConfigFile, Path, Seconds

__all__ = ["call_flags", "host_flags", "take_options"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

REACHING: tuple[Decorator, ...] = (
    click.option(
        "ssh_config", "-F", "--ssh-config", type=ConfigFile(), help="Instead of ~/.ssh/config."
    ),
    click.option("user", "-l", "--user", help="Whom to log in as."),
    click.option(
        "port", "-p", "--port", type=click.IntRange(1, 65535), help="Port of the SSH server."
    ),
    click.option(
        "identity",
        "-i",
        "--identity",
        type=Path(must_exist=True),
        multiple=True,
        help="Private key.",
    ),
    click.option(
        "known_hosts",
        "--known-hosts",
        type=Path(),
        multiple=True,
        help="Instead of the usual files.",
    ),
    click.option(
        "host_key_policy",
        "--host-key-policy",
        type=click.Choice(["strict", "accept-new", "ignore"]),
        help="What to do about a host key that is not known; strict unless ssh_config says "
        "otherwise.",
    ),
    click.option(
        "jump", "--jump", metavar="HOST", multiple=True, help="Go through this host, or none."
    ),
    click.option(
        "python",
        "--python",
        metavar="PATH",
        multiple=True,
        help="Python of the host; several: the first found.",
    ),
    click.option(
        "timeout", "--timeout", type=Seconds(), help="For the call on each host; none by default."
    ),
    click.option(
        "connect_timeout",
        "--connect-timeout",
        type=Seconds(),
        help="For reaching each host; 30 by default.",
    ),
    click.option(
        "retries",
        "--retries",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Try a host that is not there yet so many times more.",
    ),
    click.option(
        "forks",
        "-f",
        "--forks",
        type=click.IntRange(min=1),
        default=20,
        show_default=True,
        help="Hosts at one time.",
    ),
    click.option("is_json", "--json", is_flag=True, help="Results as lines of JSON on stdout."),
)

CALLING: tuple[Decorator, ...] = (
    click.option("is_text", "--text", is_flag=True, help="Take every argument as text."),
    click.option("is_dry", "--dry-run", is_flag=True, help="Only list what would be sent."),
)

VERBOSE: Decorator = click.option(
    "verbose", "-v", "--verbose", count=True, help="Show what happens; -vv and -vvv show more."
)


def host_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about hosts, and about what is shown of them."""
    return _decorated(command, (*REACHING, VERBOSE))


def call_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all of these, and those about what is called."""
    is_text, is_dry = CALLING
    return _decorated(command, (*REACHING, is_text, VERBOSE, is_dry))


def take_options(options: dict[str, Any]) -> tuple[ConnectOptions, RunOptions]:
    """Return the values of the options; UsageProblem for a jump host that cannot be one."""
    names = [field.name for field in fields(ConnectOptions)]
    given = {name: options.pop(name) for name in names}
    given["jump"] = parse_jumps(given["jump"])
    return ConnectOptions(**given), RunOptions(**options)


def _decorated(command: Callable[..., Any], flags: tuple[Decorator, ...]) -> Callable[..., Any]:
    # The last one is applied first: click shows them in the order of the source.
    return reduce(lambda decorated, flag: flag(decorated), reversed(flags), command)
