"""The page on which people make the token for their own kernels, where there is no Hub. It is shown once."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ...errors import Invalid
from ..pages import Page
from .own_tokens import kept, make_token

if TYPE_CHECKING:
    from ..handlers import AsyncDoor

TOKENS_PAGE = "securecollab/tokens"


class TokensPage(Page):
    """`securecollab/tokens`: one token for each person; making one ends the one before."""

    def initialize(self, async_door: AsyncDoor, hours: int) -> None:
        self._async_door, self._door, self._hours = async_door, async_door.door, hours

    async def get(self) -> None:
        """What a token is for, and the form."""
        await self._page("")

    async def post(self) -> None:
        """Make one and show it, or end the one there is."""
        answer = self.get_body_argument("answer", "")
        if answer not in ("make", "end"):
            raise Invalid("this is no answer to the page")
        token = make_token(time.time() + self._hours * 3600) if answer == "make" else ""
        digest = kept(token) if token else ""
        await self._async_door.call(self._door.set_own_token, self.caller, token_sha256=digest)
        await self._page(token)

    async def _page(self, token: str) -> None:
        who = await self._async_door.call(self._door.me, self.caller)
        until = datetime.fromtimestamp(time.time() + self._hours * 3600, UTC)
        await self.show(
            "securecollab_tokens.html",
            who=who,
            token=token,
            until=until,
            hours=self._hours,
            url=self.own_url(),
        )
