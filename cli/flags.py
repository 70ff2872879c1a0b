"""The options that commands have in common, as decorators, and their values as data."""

import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import reduce
from typing import Any

import click

from .hosts import Host, parse_host, parse_jumps
from .options import Become, ConnectOptions, RunOptions
from .parameters import BEHIND, ConfigFile, Path, Seconds
from .usage import UsageProblem

__all__ = ["call_flags", "host_flags", "take_options"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

B = "add -b (--become)"

# Options about the login that starts on this machine, and those about the hosts' own.
FROM_HERE = {
    "--jump": "jump",
    "--transport": "transport",
    "-i": "identity",
    "--known-hosts": "known_hosts",
}
OF_HOSTS = {"-l": "user", "-p": "port"}

# What useradd lets through, and numbers as sudo has them.
USER = re.compile(r"#[0-9]+|[A-Za-z0-9_][A-Za-z0-9_.-]*\$?")

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
        "jump",
        "--jump",
        metavar="HOST",
        multiple=True,
        help="Go through this host, or none: it carries bytes, and is trusted with nothing.",
    ),
    click.option(
        "via",
        "--via",
        metavar="HOST",
        help="Log in from this host: it sees and does all, and is trusted with everything.",
    ),
    click.option(
        "transport",
        "--transport",
        type=click.Choice(["paramiko", "openssh"]),
        help="openssh: by the ssh program of this machine.",
    ),
    click.option("is_asking_pass", "-k", "--ask-pass", is_flag=True, help="Ask for a password."),
    click.option(
        "become",
        "-b",
        "--become",
        metavar="[USER]",
        is_flag=False,
        flag_value="root",
        help="Become this user on the host, root unless one is named.",
    ),
    click.option(
        "become_method",
        "--become-method",
        type=click.Choice(["sudo", "su", "doas"]),
        help="By which program; sudo unless one is named.",
    ),
    click.option(
        "is_asking_become_pass",
        "-K",
        "--ask-become-pass",
        is_flag=True,
        help="Ask for the password of that program.",
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
    "verbose",
    "-v",
    "--verbose",
    count=True,
    help="Show what functions log: INFO; -vv DEBUG too; -vvv that of the SSH library as well.",
)


def host_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options about hosts, and about what is shown of them."""
    return _decorated(command, (*REACHING, VERBOSE))


def call_flags(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command all of these, and those about what is called."""
    is_text, is_dry = CALLING
    return _decorated(command, (*REACHING, is_text, VERBOSE, is_dry))


def take_options(
    options: dict[str, Any], hosts: Sequence[Host]
) -> tuple[ConnectOptions, RunOptions]:
    """Return the values of the options; UsageProblem for what makes no sense for the hosts."""
    method = options.pop("become_method")
    names = [field.name for field in fields(ConnectOptions)]
    given = {name: options.pop(name) for name in names}
    given["jump"] = parse_jumps(given["jump"])
    given["via"] = None if given["via"] is None else parse_host(given["via"])
    given["become"] = _become(given["become"], method)
    connect = ConnectOptions(**given)
    _check(connect, hosts)
    return connect, RunOptions(**options)


def _become(user: str | None, method: str | None) -> Become | None:
    if user is None:
        if method is not None:
            raise UsageProblem(
                f"--become-method {method} says how, but not to become anybody: {B}"
            )
        return None
    if not USER.fullmatch(user):
        raise UsageProblem(f"-b has taken {user!r} for the name of a user. {BEHIND}")
    return Become(user, method or "sudo")


def _check(connect: ConnectOptions, hosts: Sequence[Host]) -> None:
    is_becoming = connect.become is not None or any(host.is_becoming for host in hosts)
    if connect.is_asking_become_pass and not is_becoming:
        raise UsageProblem(f"-K asks for a password that nobody needs: {B}")
    starts = hosts if connect.via is None else [connect.via]
    if connect.is_asking_pass and all(host.login < 0 for host in hosts):
        raise UsageProblem("-k asks for a password for SSH, and no host is reached by that")
    for options, reached, is_without in (
        (FROM_HERE, starts, all(host.is_local for host in starts)),
        (OF_HOSTS, hosts, all(host.login < 0 for host in hosts)),
    ):
        for option, name in options.items():
            if is_without and getattr(connect, name):
                names = ", ".join(host.name for host in reached)
                raise UsageProblem(f"{option} is about SSH, and {names} is reached without it")


def _decorated(command: Callable[..., Any], flags: tuple[Decorator, ...]) -> Callable[..., Any]:
    # The last one is applied first: click shows them in the order of the source.
    return reduce(lambda decorated, flag: flag(decorated), reversed(flags), command)
