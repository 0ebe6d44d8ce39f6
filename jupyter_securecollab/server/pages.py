"""Pages of the vault: plain HTML without scripts or outside resources, every value escaped, never kept by a browser."""

from __future__ import annotations

import secrets
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from tornado.escape import url_escape

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
        nonce = secrets.token_urlsafe(16)
        self.set_header("Content-Security-Policy", _POLICY.format(nonce))
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "same-origin")
        here = url_escape(self.request.path, plus=False).replace("%2F", "/")
        xsrf = self.xsrf_token.decode()
        self.write(
            _PAGES.get_template(template).render(nonce=nonce, here=here, frame=self.frame(), xsrf=xsrf, **values)
        )
