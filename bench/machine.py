"""Says when, on what kind of machine and with which versions the figures came about."""

import os
import platform
import subprocess
import time
from importlib.metadata import version

__all__ = ["describe"]

PACKAGES = ("remotesvc", "mitogen", "execnet", "paramiko")


def describe() -> str:
    """Return one line."""
    cores = len(os.sched_getaffinity(0))
    load = f"load {os.getloadavg()[0]:.1f} at the start"
    system = f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"
    said = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False).stderr
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts = (
        time.strftime("%Y-%m-%d"),
        f"{cores} core{'s' * (cores > 1)} ({load}), {system}, {platform.machine()}",
        f"Python {platform.python_version()} at both ends",
        said.split(",")[0].split()[0].replace("_", " "),
        versions,
    )
    return "; ".join(parts)
