"""Pages of the vault: plain HTML without scripts or outside resources, every value escaped, never kept by a browser."""

from __future__ import annotations

import secrets
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from tornado.escape import url_escape
from tornado.web import RequestHandler

from .base import VaultHandler

_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
_POLICY = "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class Page(VaultHandler):
    """A handler that answers with a page."""

    async def show(self, template: str, **values: object) -> None:
        """Answer with this template, in the frame."""
        self.render_page(template, **values)
        await self.flush()  # beneath may be a handler that ends every answer as JSON
        self.finish()

    def render_page(self, template: str, **values: object) -> None:
        """Write it, with the headers of a page."""
        here = url_escape(self.request.path, plus=False).replace("%2F", "/")
        self.write(page_of(self, template, here=here, frame=self.frame(), **values))


def page_of(handler: RequestHandler, template: str, **values: object) -> str:
    """The HTML of a template; the answer gets the headers of a page."""
    nonce = secrets.token_urlsafe(16)
    handler.set_header("Content-Security-Policy", _POLICY.format(nonce))
    handler.set_header("Content-Type", "text/html; charset=utf-8")
    handler.set_header("Cache-Control", "no-store")
    handler.set_header("Referrer-Policy", "same-origin")
    return _PAGES.get_template(template).render(nonce=nonce, xsrf=handler.xsrf_token.decode(), **values)
