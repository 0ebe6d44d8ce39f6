"""What a browser is to a Hub and its vault: cookies, redirects, and the Hub's own forms filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from hubs import RealHub

from jupyter_securecollab.server.requests_page import PAGE

BASE = "/services/securecollab/"


class Browser:
    """Cookies and redirects of one browser, at the Hub and at the vault."""

    def __init__(self, hub: RealHub, name: str) -> None:
        self.hub, self.name = hub, name
        self.http = httpx.Client(timeout=30, trust_env=False)

    def get(self, path: str, **options) -> httpx.Response:
        """A page of the vault, without following anything."""
        return self.http.get(f"{self.hub.pages}{BASE}{path}", **options)

    def post(self, path: str, **fields: str) -> httpx.Response:
        return self.http.post(f"{self.hub.pages}{BASE}{path}", data=fields, headers={"Origin": self.hub.pages})

    def sign_in(self, page: str = PAGE) -> httpx.Response:
        """All the way, with the Hub's own forms; where it ends."""
        return self.follow(self.get(f"sign-in?next={page}"))

    def follow(self, answer: httpx.Response, *, until: str = "\0") -> httpx.Response:
        """Go where redirects and the Hub's forms lead; stop before an address that contains `until`."""
        for _ in range(12):
            if answer.is_redirect:
                to = answer.url.join(answer.headers["Location"])
                if until in str(to):
                    return answer
                answer = self.http.get(to)
            elif answer.url.path == "/hub/login" and answer.status_code == 200:
                fields = {"username": self.name, "password": "x", "_xsrf": self.http.cookies["_xsrf"]}
                answer = self.http.post(answer.url, data=fields)
            elif answer.url.path.endswith("oauth2/authorize") and answer.status_code == 200:
                scopes = re.findall(r'name="scopes" value="([^"]+)"', answer.text)
                xsrf = re.search(r'name="_xsrf" value="([^"]+)"', answer.text)
                answer = self.http.post(answer.url, data={"scopes": scopes, "_xsrf": xsrf[1] if xsrf else ""})
            else:
                return answer
        raise AssertionError("redirected for ever")

    @property
    def xsrf(self) -> str:
        found = re.search(r'name="_xsrf" value="([^"]+)"', self.get(PAGE).text)
        assert found is not None
        return found[1]

    @property
    def session(self) -> str:
        return self.http.cookies["securecollab-session"]


@contextmanager
def browser(hub: RealHub, name: str) -> Iterator[Browser]:
    made = Browser(hub, name)
    try:
        yield made
    finally:
        made.http.close()
