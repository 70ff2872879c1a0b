"""Answers "how is this host?" when it is run there."""

import os
import socket
import time

from hosts_app import limits

from .measure import disk_usage

__all__ = ["check", "wait_for_load"]


def check(disk: "str" = "/") -> "dict[str, object]":
    """Return how full a disk is and how busy the host is, with a verdict."""
    used = disk_usage(disk)
    load = os.getloadavg()[0]
    print(f"{socket.gethostname()}: {disk} is {used:.0%} full, load {load:.2f}")
    return {
        "disk": disk,
        "used": round(used, 3),
        "load": load,
        "verdict": limits.verdict(used, load),
    }


def wait_for_load(limit: "float" = 1.0, interval: "float" = 1.0) -> "float":
    """Print the load every `interval` seconds until it is below `limit`; return it."""
    while True:
        load = os.getloadavg()[0]
        print(f"load {load:.2f}", flush=True)
        if load < limit:
            return load
        time.sleep(interval)
