"""The vault's own page, where a steward says yes or no to what people asked for.

Plain HTML without scripts or outside resources; every value is escaped. A kernel that finds it may read what its people
may read; deciding is refused by the door. Only asks and answers: who may decide is not known here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader
from tornado.escape import url_escape

from ..errors import Invalid, SecureCollabError
from ..lines import printable
from ..model import Joining, Who
from .base import VaultHandler, status_of

if TYPE_CHECKING:
    from .handlers import AsyncDoor

PAGE = "securecollab/requests"
"""Below the server's base URL."""

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
_ID = re.compile("[0-9a-f]{32}")
_POLICY = "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_ANSWERS = {"yes": True, "no": False}


class RequestsPage(VaultHandler):
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
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", _POLICY.format(nonce))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        self.write(self._html(who, found, nonce, problem))
        await self.flush()  # beneath may be a handler that ends every answer as JSON
        self.finish()

    def _html(self, who: Who, found: Sequence[Joining], nonce: str, problem: str) -> str:
        decides = "steward" in who.roles
        return _PAGES.get_template("securecollab_requests.html").render(
            nonce=nonce,
            action=url_escape(self.request.path, plus=False).replace("%2F", "/"),
            xsrf=self.xsrf_token.decode(),
            who=who,
            requests=[(one, printable(one.because), decides and one.person != who.name) for one in found],
            problem=problem,
            notice=_ADVISORY if who.deployment == "embedded" else "",
        )


_ADVISORY = (
    "This page has the same address as JupyterLab: code that runs in your browser there could press these buttons in "
    "your name. Every decision is on record."
)
