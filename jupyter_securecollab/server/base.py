"""The base of every handler of the vault, whatever server it runs in: errors as JSON, always.

The one place where errors become HTTP status codes. Who calls is found by what a server puts beneath the routes
(`handlers.handlers`): `embedded.EmbeddedHandler` in a Jupyter server, `service.ServiceHandler` in a process of its own.
A request nobody vouches for never reaches a route.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, NamedTuple

import msgspec
from tornado import web

from .. import errors
from ..errors import SecureCollabError
from ..model import Caller, Level
from ..protocol import ErrorBody, ErrorReply, error_body

HTTP_STATUS: dict[type[SecureCollabError], int] = {
    errors.Invalid: 400,
    errors.NotSignedIn: 401,
    errors.Denied: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.SealBroken: 422,
    errors.Unavailable: 503,
    SecureCollabError: 500,
}
_CODE = {400: "invalid", 401: "not_signed_in", 403: "denied", 404: "not_found", 405: "invalid", 413: "too_large"}


def status_of(error: SecureCollabError) -> int:
    """The HTTP status of an error."""
    return next(HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS)


def write_error_json(handler: web.RequestHandler, error: SecureCollabError) -> None:
    """Answer with this error: status and body."""
    handler.set_status(status_of(error))
    handler.finish(msgspec.json.encode(ErrorReply(error_body(error))))


class Frame(NamedTuple):
    """What surrounds a page. `links` are addresses and titles; without `may_decide` there is nothing to press."""

    notice: str = ""
    may_decide: bool = True
    links: tuple[tuple[str, str], ...] = ()
    sign_in: str = ""
    sign_out: str = ""


class VaultHandler(web.RequestHandler):
    """What routes rest on. `caller` is set by the `prepare` of the server's own base, before any method runs."""

    caller: Caller

    async def prepare(self) -> None:
        """What lies beneath (Jupyter's own checks, where there are any) comes first."""
        if (beneath := super().prepare()) is not None:
            await beneath

    def note_touched(self, name: str, levels: set[Level]) -> None:
        """Something shared, of these levels, is now with whoever asks. For servers that keep track of kernels."""

    def frame(self) -> Frame:
        """What the server has to say on every page."""
        return Frame()

    def own_url(self) -> str:
        """Where browsers and clients find this vault, as far as the server knows."""
        return ""

    def note_refusal(self, error: SecureCollabError) -> None:
        """A refusal, for the server's own log: refusals are not failures."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """JSON with code and next step, for our errors, the server's and mistakes of ours alike."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, SecureCollabError):
            write_error_json(self, error)
            return
        message = "the vault failed; its log says how"
        if isinstance(error, web.HTTPError):
            message = error.log_message % error.args if error.log_message else error.reason or str(error)
        code = _CODE.get(status_code, SecureCollabError.code)
        self.finish(msgspec.json.encode(ErrorReply(ErrorBody(code, message))))

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Refusals are not failures: no traceback for errors raised on purpose."""
        if isinstance(value, SecureCollabError):
            self.note_refusal(value)
        else:
            super().log_exception(typ, value, tb)
