"""Errands: questions on their way up from a relay; what is not here yet is asked for once.

Decides, and does nothing. Whoever wants what another one has asked for already waits for that
answer. It counts for the context that it was asked for, and no other: who waits for the very same
one is given it; the rest is asked for, each by itself, when the thing is here, for then it comes
as its name. If it did not come, the next one is asked for. Neighbours take turns there: a hostile
one, that asks again and again for what it may not have, keeps another one waiting for one answer.

An answer may be lost. So nobody waits behind another for longer than two calls of `lapse()`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Protocol, Set, Tuple

    class Errand(Protocol):
        """A question: by which neighbour it came, what is wanted, and for which context."""

        src: int
        key: Any
        whom: int


__all__ = ["Errands"]


class Errands:
    """What is asked for just now, and who waits for it."""

    def __init__(self) -> "None":
        self._queues: "Dict[Any, _Queue]" = {}

    def __bool__(self) -> "bool":
        return any(queue.behind for queue in self._queues.values())

    def join(self, errand: "Errand") -> "bool":
        """Take a question for what is not here; tell whether to ask it now, and not to wait."""
        queue = self._queues.get(errand.key)
        if queue is None:
            self._queues[errand.key] = _Queue(errand)
            return True
        queue.behind.append(errand)
        return False

    def end(self, errand: "Errand", frees_all: "bool") -> "Tuple[List[Any], List[Any]]":
        """Take that one was answered; return who gets that answer, too, and what to ask now.

        frees_all: nobody needs to wait any more, for it is here now, or the way up is lost.
        """
        queue = self._queues.get(errand.key)
        if queue is None or queue.ahead is not errand:
            return [], []
        same = [one for one in queue.behind if one.whom == errand.whom]
        others = [one for one in queue.behind if one.whom != errand.whom]
        if frees_all or not others:
            del self._queues[errand.key]
            return same, others
        # Those of the same neighbour go behind all others.
        others.sort(key=lambda one: one.src == errand.src)
        following = self._queues[errand.key] = _Queue(others[0])
        following.behind = others[1:]
        return same, others[:1]

    def lapse(self) -> "List[Any]":
        """Return, to be asked now, what waits for one that went before the last call of this."""
        freed: "List[Any]" = []
        for key, queue in list(self._queues.items()):
            if queue.is_old and queue.behind:
                freed += queue.behind
                del self._queues[key]
            queue.is_old = True
        return freed

    def forget(self, ids: "Set[int]") -> "None":
        """Drop what waits for lost neighbours; what is on its way may be of use to others."""
        for queue in self._queues.values():
            queue.behind = [one for one in queue.behind if one.src not in ids]


class _Queue:
    """One errand on its way, and those that wait for it."""

    def __init__(self, ahead: "Errand") -> "None":
        self.ahead = ahead
        self.behind: "List[Errand]" = []
        self.is_old = False
