"""Lending: what a reference that came in a message may name, and on whose authority it is used.

Pure, like authority.py; who never gets a Sender never gets this file.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Container, Optional

__all__ = [
    "lent_authority",
    "refuse_channel",
    "refuse_handing_on",
    "refuse_reader",
    "refuse_reference",
]


def refuse_reference(
    named: "int", src: "int", own_id: "int", parents: "Container[int]", is_behind: "bool" = False
) -> "Optional[str]":
    """Judge a reference to something in context `named` that came in a message of `src`.

    A parent may name whom it likes; anybody else only itself, us, and what lies behind it: else it
    could have us talk to those whom it cannot reach.
    """
    if src in parents or src == own_id or is_behind or named in (src, own_id):
        return None
    return "a reference to context %d, which is not context %d's to give" % (named, src)


def refuse_channel(named: "int", src: "int", own_id: "int") -> "Optional[str]":
    """Judge a channel that came from `src` and whose other end is, as that says, in `named`.

    The other end is who sent it, and nobody else: else it would outlive the one that it is ended
    with, and what is meant for that one would go elsewhere. What we took from a pickle is ours.
    """
    if src in (named, own_id):
        return None
    return "a channel whose other end is in context %d, and not in context %d" % (named, src)


def refuse_reader(home: "int", src: "int") -> "Optional[str]":
    """Judge where context `src` wants what a method yields: it reads that itself."""
    if home == src:
        return None
    return "the values of a stream go to context %d, who called, and not to context %d" % (
        src,
        home,
    )


def lent_authority(
    auth: "int",
    own_id: "int",
    parents: "Container[int]",
    home: "Optional[int]" = None,
    is_below: "bool" = True,
) -> "int":
    """Return the authority of what is sent through a reference from a message with `auth`.

    home: where the reference leads; is_below: whether that is below this context. What goes back
    to the very one whose authority it is, and not down, goes on our own: that gives it nothing,
    and who stands between believes nobody who speaks for others than those behind him.
    """
    return own_id if auth in parents or (auth == home and not is_below) else auth


def refuse_handing_on(
    home: "str", receiver: "str", is_below: "bool", is_apart: "bool", siblings: "bool"
) -> "Optional[str]":
    """Judge giving a Sender that leads to context `home` to a third one, before it is sent.

    `is_below`: both are below this context; `is_apart`: and by different links, so that they
    would talk as siblings. Nobody but their parent can vouch for one to the other: who takes a
    reference from anybody else could be had to write on its own authority to what is no stream.
    """
    if not is_below:
        return (
            "a sender to %s is not ours to give to %s: only a parent of both may, so return it "
            "to that one" % (home, receiver)
        )
    if is_apart and not siblings:
        return (
            "a sender to %s is of no use to %s: children may not talk to each other; "
            "Router(siblings=True) would let them" % (home, receiver)
        )
    return None
