"""Account: whose process this is. Called in a context, to learn that of it."""

import os
import pwd

__all__ = ["account_name"]


def account_name() -> "str":
    """Return the name of the account that this process acts for, its number if it has none."""
    uid = os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
