"""A function for a context, which opens another one in it."""

from remotesvc import current_router


def open_another() -> "int":
    """Open a context in this one, and keep it; return its id."""
    return current_router().local().id
