"""The vault's own page, where a steward says yes or no to what people asked for.

A kernel that finds it may read what its people may read; deciding is refused by the door. Only asks and answers: who
may decide is not known here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import Invalid, SecureCollabError
from ..lines import printable
from .base import status_of
from .pages import Page

if TYPE_CHECKING:
    from .handlers import AsyncDoor

PAGE = "securecollab/requests"
"""Below the server's base URL."""

_ID = re.compile("[0-9a-f]{32}")
_ANSWERS = {"yes": True, "no": False}


class RequestsPage(Page):
    """`securecollab/requests`: the list, and one form for each decision."""

    def initialize(self, async_door: AsyncDoor) -> None:
        self._async_door, self._door = async_door, async_door.door

    async def get(self) -> None:
        """The list as it is."""
        await self._page("")

    async def post(self) -> None:
        """One decision, then the list again; a refusal stands above it."""
        try:
            wanted, answer = self.get_body_argument("id", ""), self.get_body_argument("answer", "")
            if not _ID.fullmatch(wanted) or answer not in _ANSWERS:
                raise Invalid("this is no answer to a request")
            await self._async_door.call(self._door.decide_join, self.caller, id=wanted, allow=_ANSWERS[answer])
        except SecureCollabError as error:
            self.note_refusal(error)
            self.set_status(status_of(error))
            await self._page(f"{error} {error.next_step}")
            return
        self.redirect(self.request.path, status=303)

    async def _page(self, problem: str) -> None:
        who = await self._async_door.call(self._door.me, self.caller)
        found = await self._async_door.call(self._door.joins, self.caller)
        decides = "steward" in who.roles
        await self.show(
            "securecollab_requests.html",
            who=who,
            requests=[(one, printable(one.because), decides and one.person != who.name) for one in found],
            problem=problem,
        )
