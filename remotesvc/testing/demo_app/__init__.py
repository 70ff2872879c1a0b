"""A small application of several modules, sent to a host by `remotesvc demo` and by tests.

It runs there: any Python from 3.6 up, standard library only. Nothing of it knows remotesvc.
"""

__all__ = []  # type: list[str]
