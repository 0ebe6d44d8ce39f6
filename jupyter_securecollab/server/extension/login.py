"""The login page of a shared server: name and password, or a personal token; and the question a foreign link raises.

Plain HTML without scripts or outside resources; every value is escaped. Only asks and answers: what is
typed is checked in `identity`.
"""

from __future__ import annotations

import math
from typing import cast

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.login import LoginFormHandler
from tornado import web

from ..pages import page_of
from .identity import SignedIn, TeamIdentityProvider


class TeamLoginHandler(LoginFormHandler):
    """`/login` of a server with named accounts."""

    @allow_unauthenticated
    async def get(self) -> None:
        """The form; the question, if a link asks for another person; or straight on."""
        by_link = await self._provider.get_user_token(self)
        if by_link is not None and (self.current_user is None or self.current_user.username != by_link.username):
            self._page("securecollab_switch.html", by_link=by_link, token=self._provider.get_token(self))
        elif self.current_user is not None:
            self._redirect_safe(self._next)  # type: ignore[no-untyped-call]  # Jupyter's
        else:
            self._page("securecollab_login.html", problem="")

    @allow_unauthenticated
    async def post(self) -> None:
        """Sign the browser in."""
        name = self.get_body_argument("username", "")[:128]
        secret = self.get_body_argument("password", "", strip=False)
        found = await self._provider.user_of_login(name, secret, self.request.remote_ip or "")
        if isinstance(found, SignedIn):
            self.log.info("%s signed in", found.username)
            self._provider.sign_in(self, found)
            self._redirect_safe(self._next)  # type: ignore[no-untyped-call]  # Jupyter's
        elif found is None:
            self.set_status(401)
            self._page("securecollab_login.html", problem="Name, password or token is wrong.")
        else:
            wait = math.ceil(found)
            self.set_status(429)
            self.set_header("Retry-After", str(wait))
            self._page("securecollab_login.html", problem=f"Too many wrong attempts. Try again in {wait} seconds.")

    def check_xsrf_cookie(self) -> None:
        """Always, unlike elsewhere: a token in the address must not let another site sign this browser in."""
        if hasattr(self, "_jupyter_current_user"):  # tornado also calls before anybody is known
            web.RequestHandler.check_xsrf_cookie(self)

    @property
    def _provider(self) -> TeamIdentityProvider:
        return cast(TeamIdentityProvider, self.identity_provider)

    @property
    def _next(self) -> str:
        return self.get_argument("next", self.base_url)

    def _page(self, template: str, **values: object) -> None:
        self.finish(
            page_of(
                self,
                template,
                base_url=self.base_url,
                login_url=self.settings["login_url"],
                next=self._next,
                user=self.current_user,
                notice=self._provider.people.notice,
                **values,
            )
        )
