"""What runs on the hosts of these tests, in any Python from 3.6 on."""

import subprocess

__all__ = ["ask_sudo", "has_way_out"]


def ask_sudo(password):  # type: ignore[no-untyped-def]
    """Return the exit status of a sudo that gets a password on its stdin."""
    words = ["sudo", "-k", "-S", "-p", "", "true"]
    done = subprocess.run(words, input=password.encode() + b"\n", stderr=subprocess.DEVNULL)
    return done.returncode


def has_way_out():  # type: ignore[no-untyped-def]
    """Tell whether this host knows a way to hosts that are no neighbours."""
    with open("/proc/net/route") as table:
        return any(line.split()[1] == "00000000" for line in table)
