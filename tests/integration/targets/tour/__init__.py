"""A small package of several modules, for hosts that have never heard of it. Python 3.6."""

from .report import collect, fail

__all__ = ["collect", "fail"]
