"""An example of an application whose functions are run on other hosts; Python 3.6 and up."""

__all__ = []  # type: list[str]
