"""Who may send what to whom: the trust rules of the tree, as one table and pure functions.

Trust flows down only. A *parent* of a context is any context on its way up to the controller; what
comes from a parent, and was caused by a parent, may command. Everything else is data from a
stranger. Nothing here touches a link, a clock or a log: each function takes facts and returns None
when all is well, or the sentence that says why not. The switch asks, and obeys.

    src   who sent the message; verified at every link it crosses upward
    auth  whose request caused it: equal to src, except for what is sent through a Context or a
          Sender that came out of a message: that carries the auth of that message
    reach the ids that lie behind a link
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Container, Optional

__all__ = [
    "ADD_ROUTE",
    "ALLOCATE_ID",
    "CALL_FUNCTION",
    "CALL_SERVICE",
    "CANCEL",
    "CONFIGURE",
    "DEL_ROUTE",
    "FIRST_DYNAMIC",
    "GET_MODULE",
    "GET_RESOURCE",
    "GIVE_IDS",
    "HANDLES",
    "HELLO",
    "LOAD_MODULE",
    "LOG",
    "OPEN_CHILD",
    "PASS_MODULES",
    "PING",
    "SHUTDOWN",
    "STDIO",
    "TEND_CHILD",
    "UNASKED_LIMIT",
    "accepts_pickle",
    "handle_name",
    "is_commanded",
    "refuse_delivery",
    "refuse_reply",
    "refuse_sending",
    "refuse_size",
]

CONFIGURE = 1
HELLO = 2
PING = 3
CALL_FUNCTION = 4
CALL_SERVICE = 5
CANCEL = 6
SHUTDOWN = 7
GET_MODULE = 8
LOAD_MODULE = 9
GET_RESOURCE = 10
STDIO = 11
LOG = 12
ALLOCATE_ID = 13
ADD_ROUTE = 14
DEL_ROUTE = 15
OPEN_CHILD = 16
TEND_CHILD = 17
PASS_MODULES = 18
GIVE_IDS = 19

# Handles below this are the table; those from here on are given out for replies and receivers.
FIRST_DYNAMIC = 256

PARENTS = "parents"  # src and auth are parents of the receiver, or the receiver itself
BELOW = "below"  # it came over the link of a child, from that child or from behind it
NEIGHBOUR = "neighbour"  # whoever is at the other end of this very link
ANYONE = "anyone"  # whoever can reach the receiver: the handler has policies of its own
NOBODY = "nobody"  # belongs to the handshake; a second one is a breach of protocol

# The whole protocol in one look: number -> (name, who may send), and what it carries.
HANDLES = {
    CONFIGURE: ("CONFIGURE", NOBODY),  # plain settings; the first frame down a new link
    HELLO: ("HELLO", NOBODY),  # plain facts; the first frame up a new link
    PING: ("PING", NEIGHBOUR),  # raw, empty; a sign of life
    CALL_FUNCTION: ("CALL_FUNCTION", PARENTS),  # plain [module, qualname, args, kwargs] or pickle
    CALL_SERVICE: ("CALL_SERVICE", ANYONE),  # plain (service, method, kwargs)
    CANCEL: ("CANCEL", PARENTS),  # plain (reply handle of the call, hard)
    SHUTDOWN: ("SHUTDOWN", PARENTS),  # raw, empty; finish and end
    GET_MODULE: ("GET_MODULE", BELOW),  # plain module name; of a relay, also whom it is for
    LOAD_MODULE: ("LOAD_MODULE", PARENTS),  # raw, compressed module records
    GET_RESOURCE: ("GET_RESOURCE", BELOW),  # plain (package, path inside it), likewise
    STDIO: ("STDIO", BELOW),  # raw, stream number u8 and what was printed; replies are credit
    LOG: ("LOG", BELOW),  # plain log records; replies are credit
    ALLOCATE_ID: ("ALLOCATE_ID", BELOW),  # raw, empty; asks for a block of context ids
    ADD_ROUTE: ("ADD_ROUTE", NEIGHBOUR),  # plain context id that lies behind the sender
    DEL_ROUTE: ("DEL_ROUTE", NEIGHBOUR),  # plain (context ids, why they are gone)
    OPEN_CHILD: ("OPEN_CHILD", PARENTS),  # plain order (connect/order.py); replies are its events
    TEND_CHILD: ("TEND_CHILD", PARENTS),  # plain (context id, what to do, with what)
    PASS_MODULES: ("PASS_MODULES", PARENTS),  # raw, compressed (context id, module records)
    GIVE_IDS: ("GIVE_IDS", PARENTS),  # plain (first id, end, whose they are, whether it is there)
}

# What a child may send without having been asked: calls of our services, logs, requests.
UNASKED_LIMIT = 1024 * 1024


def handle_name(handle: "int") -> "str":
    """Return the table's name of a handle; those above the table are for replies."""
    return HANDLES[handle][0] if handle in HANDLES else "a reply"


def is_commanded(src: "int", auth: "int", own_id: "int", parents: "Container[int]") -> "bool":
    """Tell whether a message has the authority of a parent of this context, or of itself."""
    return (src in parents or src == own_id) and (auth in parents or auth == own_id)


def accepts_pickle(src: "int", auth: "int", parents: "Container[int]") -> "bool":
    """Tell whether a pickle of this origin may be looked at: from parents, at parents' request."""
    return src in parents and auth in parents


def refuse_delivery(
    handle: "int",
    src: "int",
    auth: "int",
    own_id: "int",
    parents: "Container[int]",
    from_below: "bool",
    neighbour: "Optional[int]",
) -> "Optional[str]":
    """Judge a message to a reserved handle of this context."""
    if handle not in HANDLES:
        return "there is no reserved handle %d" % handle
    name, who = HANDLES[handle]
    if who == ANYONE:
        return None
    if who == PARENTS:
        if is_commanded(src, auth, own_id, parents):
            return None
        return "%s is for parents only: context %d is none of context %d" % (name, src, own_id)
    if who == BELOW and (from_below or src == own_id):
        return None
    if who == NEIGHBOUR and src == neighbour:
        return None
    return "%s from context %d is not for context %d to take" % (name, src, own_id)


def refuse_sending(handle: "int", is_below: "bool", is_self: "bool") -> "Optional[str]":
    """Judge, before anything is sent, a message from here to a reserved handle over there."""
    if handle in HANDLES and HANDLES[handle][1] == PARENTS and not (is_below or is_self):
        return "%s may be sent to own children only" % HANDLES[handle][0]
    return None


def refuse_reply(
    src: "int",
    auth: "int",
    respondent: "Optional[int]",
    above: "Container[int]",
) -> "Optional[str]":
    """Judge a reply: from the context that was called, or a dead one from `above`, our parents.

    A relay below that refuses speaks in the name of who was called. Who answers does so on its
    own authority: a Sender that it was lent makes no replies. Without a respondent it is no reply
    but a message to a stream, which has a token of its own.
    """
    if respondent is None:
        return None
    if auth != src:
        return "a reply of context %d on the authority of context %d" % (src, auth)
    if src == respondent or src in above:
        return None
    return "context %d answers a call that was made to context %d" % (src, respondent)


def refuse_size(
    size: "int", is_asked: "bool", is_from_parents: "bool", max_message_size: "int"
) -> "Optional[str]":
    """Judge the size of a message before a byte of it is kept."""
    limit = max_message_size if is_asked or is_from_parents else UNASKED_LIMIT
    if size > limit:
        return "a message of %d bytes, at most %d are taken here" % (size, limit)
    return None
