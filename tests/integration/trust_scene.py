"""The contexts of one cell of the trust table: who asks, who is asked, and the relays between."""

from typing import Any

from remotesvc import Context, Router
from remotesvc.core.authority import CALL_SERVICE
from remotesvc.core.pending import Pending
from remotesvc.core.values import decode, encode
from remotesvc.core.wire import DEAD, PLAIN
from remotesvc.service import Pool
from remotesvc.service.request import ACTIVATE, pack_request
from tests.integration.hostile_scene import DEADLINE, FAKE, target
from tests.integration.targets import services_guarded
from tests.integration.targets.services_guarded import NAME, Guarded
from tests.integration.trust_table import (
    AS_ABOVE,
    AS_BELOW,
    AS_CONTROLLER,
    ASKING,
    PLAINLY,
    Row,
)
from tests.integration.waiting import wait_until

__all__ = ["Scene"]

# Where the hand-made child awaits answers.
REPLY = 4711

# The first of the states in which the service is active.
ACTIVE = 2


class Scene:
    """Real processes in the places of a row, and the one that is asked brought into a state.

    Who only stands between serves all states of a row, and so does everybody honest where the
    state changes nothing. Others serve both states in which the service is active, and are new in
    the rest: what they ask for changes them. A hand-made child is new in each.
    """

    def __init__(self, router: Router, row: Row, state: int) -> None:
        self.router, self.row, self.state = router, row, state
        self._forget_reports()
        self._places: dict[str, Context] = {"": router.myself}
        self.is_fake = row.way in (ASKING, AS_ABOVE) and row.at.endswith("asker")
        self.asked = self._open(row.to)
        self.asker = self._open(row.at, self.is_fake)
        # In whose name it is asked.
        self.source = self.asker
        if row.way == AS_BELOW:
            self.source = self._open("relay/below", is_fake=True)
        self._prepare()

    def place(self, name: str) -> Context:
        """Return the context in a place."""
        return next(one for path, one in self._places.items() if path.rpartition("/")[2] == name)

    def settle(self) -> None:
        """Return when what the honest ones have logged so far is known here."""
        for path, context in self._places.items():
            if path and not (self.is_fake and context is self.asker) and "below" not in path:
                context.call(services_guarded.nothing)

    def _forget_reports(self) -> None:
        """Have the controller report anew what it reports once per link and kind."""
        for link in self.router.switch.routes.values():
            link.reported.clear()
        self.router.switch._reported.clear()

    def _open(self, path: str, is_fake: bool = False) -> Context:
        if path not in self._places:
            via, _, name = path.rpartition("/")
            options: dict[str, Any] = {"python_path": str(FAKE)} if is_fake else {}
            if via:
                options["via"] = self._open(via)
            stands_between = name in ("relay", "other") and path != self.row.to
            changes_nothing = len(set(self.row.cells)) == 1
            generation = 0 if changes_nothing else min(self.state, ACTIVE)
            if is_fake:
                generation = self.state
            title = name if stands_between else f"{name}{generation}"
            there = [one for one in self.router.contexts if one.name == title]
            opened = there[0] if there else self.router.local(title, **options)
            self._places[path] = opened
        return self._places[path]

    def _prepare(self) -> None:
        """Bring the context that is asked into the state."""
        asked, state = self.asked, self.state
        if not asked.id:
            if state and self.router.pool is None:
                Pool(self.router)
            if state == 2:
                self._activate_here()
        elif state == 1:
            asked.services()
        elif state > 1:
            asked.service(Guarded).anybody()
        if self.row.way == AS_CONTROLLER:
            asked.call(services_guarded.nothing)  # a frame by hand brings no modules along

    def _activate_here(self) -> None:
        pool = self.router.pool
        assert pool is not None
        if NAME not in pool.invokers():
            pool.add(Guarded)

    # -- asking ----------------------------------------------------------------------------------

    @property
    def method(self) -> str:
        """Which of the two methods the state is about."""
        return "anybody" if self.state == 3 else "parents"

    def play(self) -> str | None:
        """Do what the row says; return what came of it, None where nothing did."""
        way = self.row.way
        if way == PLAINLY:
            return self._ask_by_hand(0)
        if way == AS_CONTROLLER:
            return self._forge_from_above()
        if way == AS_ABOVE:
            self._forge_from_others()
            return None
        if way == AS_BELOW or self.is_fake:
            self._forge([(self.source.id, self.source.id)])
            return self._answer(self.source)
        return self._ask_by_hand(ACTIVATE) if way == ASKING else self._call()

    def _call(self) -> str:
        row = self.row
        if not row.at:
            return services_guarded.ask(self.asked, self.method)
        if row.at == row.to:
            which = "myself"
        elif not row.to:
            which = "controller"
        elif row.at.startswith(row.to + "/"):
            which = "parent"
        else:
            told = self.asker.call(services_guarded.ask, self.asked, self.method)
            return str(told)
        return str(self.asker.call(services_guarded.ask_own, which, self.method))

    def _request(self, flags: int) -> bytes:
        return pack_request(flags, NAME, self.method, encode({}))

    def _ask_by_hand(self, flags: int) -> str:
        """Have an honest context send a frame in its own name."""
        payload = self._request(flags)
        if not self.row.at:
            return services_guarded.ask_by_hand(self.router, self.asked.id, payload)
        by_hand = services_guarded.ask_by_hand
        return str(self.asker.call(by_hand, None, self.asked.id, payload))

    def _forge(self, origins: list[tuple[int, int]], reply_to: int = REPLY) -> None:
        """Have the asker send frames that ask, in the names of others."""
        payload, dst = self._request(ACTIVATE), self.asked.id
        if not self.is_fake:
            self.asker.call(services_guarded.forge, dst, payload, reply_to, origins)
            return
        frames = [[CALL_SERVICE, PLAIN, payload, reply_to, *origin, dst] for origin in origins]
        self.asker.call_no_reply(target("say"), frames, 1)
        self.asker.options(DEADLINE).call(target("settle"))

    @staticmethod
    def _heard(fake: Context) -> list[tuple[int, bytes]]:
        found = fake.options(DEADLINE).call(target("heard"))
        return [(encoding, payload) for at, encoding, payload in found if at == REPLY]

    def _answer(self, fake: Context) -> str:
        """Return what the hand-made child was answered."""
        wait_until(lambda: self._heard(fake) != [])
        ((encoding, payload),) = self._heard(fake)
        told: Any = decode(payload)
        return str(told[1] if encoding == DEAD else told)

    def _forge_from_above(self) -> str:
        """Have a relay speak for the controller; return what that is answered."""
        pending = Pending(self.asked.id)
        self._forge([(0, 0)], self.router.switch.listen(pending))
        return services_guarded.read(pending)

    def _forge_from_others(self) -> None:
        """Have the asker speak for parents, and for itself on their authority."""
        own, asked = self.asker.id, self.asked.id
        above = {0, *(one.id for path, one in self._places.items() if path == "relay")} - {own}
        origins = [pair for one in above for pair in ((one, one), (own, one), (one, own))]
        self._forge([*origins, (asked, asked)] if asked != own else origins)
        if self.is_fake:
            assert self._heard(self.asker) == []
