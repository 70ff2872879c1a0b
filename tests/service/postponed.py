"""A service whose annotations are texts because its module says so."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Literal

from remotesvc.service import arguments
from remotesvc.service.base import Service
from remotesvc.service.expose import expose
from remotesvc.service.policy import AllowAny

if TYPE_CHECKING:
    from collections.abc import Sequence

    from remotesvc.service.call import Call
    from tests.service.annotated import OnlyForCheckers


class PostponedService(Service):
    @expose(policy=AllowAny())
    def fetch(
        self,
        paths: Sequence[str],
        mode: Literal["r", "w"] = "r",
        *,
        limit: int | None = None,
        where: pathlib.Path | None = None,
        unknown: OnlyForCheckers | None = None,
        private: arguments._nothing = None,  # type: ignore[name-defined]
        call: Call | None = None,
    ) -> None:
        """Take every way to name a type."""
