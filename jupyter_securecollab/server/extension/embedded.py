"""Who calls a vault that runs inside a Jupyter server: the person Jupyter knows, or a kernel it started.

Jupyter's own checks (host, XSRF, sign-in) hold on every route; nothing is decided here but who is asking.
"""

from __future__ import annotations

from jupyter_server.base.handlers import APIHandler

from ...errors import Denied, NotSignedIn, SecureCollabError
from ...model import Caller, Level, Via
from ...protocol import PARENT_HEADER, TOKEN_HEADER
from ..base import Frame, VaultHandler
from ..hashed import sha256_hex
from .executions import KernelIdentity
from .identity import People


class EmbeddedHandler(VaultHandler, APIHandler):
    """Put beneath the routes by `handlers.handlers`. Jupyter's own check knows only the browser's user, not kernels."""

    auth_resource = "securecollab"
    _kernel: KernelIdentity | None = None

    async def prepare(self) -> None:  # type: ignore[override]  # as Jupyter's APIHandler does
        """Find out who calls: the kernel token if there is one, else the person Jupyter knows."""
        token = self.request.headers.get(TOKEN_HEADER)
        if token is not None:
            self._kernel = await self._kernel_of(token)
        await super().prepare()
        self._refuse_other_sites()
        self.caller = self._browser_caller() if self._kernel is None else self._kernel_caller(self._kernel)

    def check_xsrf_cookie(self) -> None:
        """Waived only for a valid token that is the identity used; nobody at all is 401, not a complaint about XSRF."""
        if hasattr(self, "_jupyter_current_user") and self._kernel is None:  # tornado also calls before that is known
            self._signed_in_person()
            super().check_xsrf_cookie()

    def _refuse_other_sites(self) -> None:
        """A link elsewhere sends the cookie along, and a GET may leave an entry: taking a copy of the log does."""
        by_cookie = self._kernel is None and not self.token_authenticated
        if by_cookie and self.request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise Denied("another site may not ask in your name", next_step="Ask from JupyterLab itself.")

    async def _kernel_of(self, token: str) -> KernelIdentity:
        kernel = self._people.tokens.resolve(token)
        if kernel is None or kernel.kernel_id not in self.kernel_manager:
            raise NotSignedIn("this kernel's token is not, or no longer, valid", next_step="Restart the kernel.")
        if await self._people.epoch(kernel.owner) != kernel.epoch:
            raise NotSignedIn("the sign-in under which this kernel was started has ended")
        return kernel

    def _kernel_caller(self, kernel: KernelIdentity) -> Caller:
        """The least of all who are behind a kernel: named is the one executing, the others cap what he gets."""
        executions = self._people.executions
        person = executions.person_of(kernel.kernel_id, self.request.headers.get(PARENT_HEADER, ""))
        if person is None:
            raise Denied(
                "this server does not know who is executing this",
                next_step="Run it in a cell of a notebook opened here.",
            )
        others = (executions.everyone(kernel.kernel_id) | {kernel.owner}) - {person}
        session = sha256_hex(self.request.headers[TOKEN_HEADER])
        return Caller(person, "kernel", session, also=tuple(sorted(others)), kernel=kernel.kernel_id)

    def note_touched(self, name: str, levels: set[Level]) -> None:
        """Something shared, of these levels, is now in the kernel that asks."""
        if self._kernel is not None and levels:
            parent = self.request.headers.get(PARENT_HEADER, "")
            self._people.recording.touched(self._kernel.kernel_id, parent, name, max(levels))

    def _browser_caller(self) -> Caller:
        provider = self.identity_provider
        cookie = self.get_cookie(provider.get_cookie_name(self))
        secret = provider.get_token(self) if self.token_authenticated else cookie
        via: Via = "token" if self.token_authenticated else "browser"
        return Caller(self._signed_in_person(), via, sha256_hex(secret or ""))

    def _signed_in_person(self) -> str:
        person = self._people.person_of(self.current_user)
        if person is None:
            raise NotSignedIn("you are not signed in")
        return person

    @property
    def _people(self) -> People:
        return People.of(self.serverapp)

    def frame(self) -> Frame:
        return Frame(notice=_ADVISORY)

    def note_refusal(self, error: SecureCollabError) -> None:
        self.log.info("%s: %s", error.code, error)


_ADVISORY = (
    "This page has the same address as JupyterLab: code that runs in your browser there could press these buttons in "
    "your name. Every decision is on record."
)
