"""Every error this package raises, in one tree.

    SecureCollabError
    ├── Invalid               the request itself is wrong
    │   ├── InvalidName       a project, asset, person or column name that cannot be one
    │   ├── InvalidTime       a time that cannot be read, lies in the past, or ends before it begins
    │   ├── UnknownLevel      not one of the levels (the nearest one is suggested)
    │   ├── CannotHold        data that the sealed formats cannot hold; nothing was written
    │   └── NeedsReview       sensitive columns nobody has looked at; sharing them needs a yes
    ├── NotSignedIn           no identity, or a token that is no longer valid
    ├── Denied                policy said no; carries the decision
    │   └── LeaseExpired      the five minutes to fetch the parts are over
    ├── NotFound              no such asset, version, person, group or part (or none you may know of)
    ├── Conflict              the state does not allow it (already committed, name taken, ...)
    ├── TooLarge              a body, text or object past its limit
    ├── Unavailable           the vault, its log or its store cannot be reached; nothing was released
    ├── StoreBroken           the database or the keys on disk are damaged or do not belong together
    ├── SealBroken            sealed bytes that do not open: one opaque error, no details, by design
    │   ├── UnknownFormat     made by a newer version of the format
    │   └── LimitExceeded     declares more than the limits allow
    └── LogBroken             the audit log does not verify; carries the first bad entry when known

Each class has a wire code; the message says what happened, `next_step` what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .model import Decision


class SecureCollabError(Exception):
    """Base of all errors raised on purpose. `str(error)` is one sentence fit for people."""

    code: ClassVar[str] = "error"
    default_next_step: ClassVar[str] = ""

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message)
        self.next_step = self.default_next_step if next_step is None else next_step

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback (it may ask twice). Control characters become spaces."""
        lines = [f"{type(self).__name__}: {self}"] + ([f"Next: {self.next_step}"] if self.next_step else [])
        return ["".join(char if char.isprintable() else " " for char in line) for line in lines]


class Invalid(SecureCollabError):
    """The request cannot be understood or is not allowed to look like that."""

    code = "invalid"


class InvalidName(Invalid):
    """A name with characters, or a length, that names may not have."""

    code = "invalid_name"
    default_next_step = "Use project/name with letters, digits and . _ - only."


class InvalidTime(Invalid):
    """A time that cannot be read, is already over, or a window that ends before it begins."""

    code = "invalid_time"
    default_next_step = "Use an ISO date and time with zone, or a duration in hours, days or weeks: 8h, 30d, 2w."


class UnknownLevel(Invalid):
    """A word that is not one of the levels."""

    code = "unknown_level"


class CannotHold(Invalid):
    """Data the sealed formats cannot hold; raised before anything is written, naming the column."""

    code = "cannot_hold"


class NeedsReview(Invalid):
    """Sharing needs a person's yes to the suggested levels, and nobody could be asked."""

    code = "needs_review"
    default_next_step = "Look at %classify, then share again with --yes to accept the suggestions."


class NotSignedIn(SecureCollabError):
    """No identity came with the request, or its token has ended."""

    code = "not_signed_in"
    default_next_step = "Sign in again, or restart the kernel to get a new token."


class Denied(SecureCollabError):
    """Policy refused. `decision` says which rules decided and what was missing."""

    code = "denied"

    def __init__(self, message: str, *, decision: Decision | None = None, next_step: str | None = None) -> None:
        if next_step is None and decision is not None:
            next_step = decision.next_step
        super().__init__(message, next_step=next_step)
        self.decision = decision


class LeaseExpired(Denied):
    """The lease for reading parts is over, or was never for this reader and part."""

    code = "lease_expired"
    default_next_step = "Open it again: every open is decided and recorded anew."


class NotFound(SecureCollabError):
    """No such thing, or none the caller may know of: the two look alike on purpose."""

    code = "not_found"


class Conflict(SecureCollabError):
    """The present state does not allow this."""

    code = "conflict"


class TooLarge(SecureCollabError):
    """More bytes or characters than the limit for this place."""

    code = "too_large"


class Unavailable(SecureCollabError):
    """The vault or something it needs does not answer; nothing was released or changed."""

    code = "unavailable"
    default_next_step = "Try again shortly; if it stays so, ask whoever runs the vault to look at its log."


class StoreBroken(SecureCollabError):
    """The database, the root key or the log key is damaged or they do not belong together."""

    code = "store_broken"
    default_next_step = "Stop the vault and restore database, keys and objects from one backup."


class SealBroken(SecureCollabError):
    """Sealed bytes do not open. Deliberately says nothing about why."""

    code = "seal_broken"
    default_next_step = "Ask the owner to share it again; the copy in the store is damaged or was exchanged."

    def __init__(
        self, message: str = "this sealed object could not be opened", *, next_step: str | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)


class UnknownFormat(SealBroken):
    """Sealed in a format version this release does not know."""

    code = "unknown_format"
    default_next_step = "Upgrade jupyter_securecollab."


class LimitExceeded(SealBroken):
    """A manifest that declares more than the limits allow."""

    code = "limit_exceeded"
    default_next_step = "Open fewer columns; if one alone is too much, ask the owner to share it in several parts."


class LogBroken(SecureCollabError):
    """The audit log, or a proof from it, does not verify."""

    code = "log_broken"
    default_next_step = "Keep what you have (bundle, receipts, checkpoints) and tell the auditor."

    def __init__(self, message: str, *, index: int | None = None, next_step: str | None = None) -> None:
        super().__init__(message, next_step=next_step)
        self.index = index


def by_code() -> dict[str, type[SecureCollabError]]:
    """Every error class that has a wire code of its own by that, so that a client can raise what the vault raised."""
    found: dict[str, type[SecureCollabError]] = {}
    pending: list[type[SecureCollabError]] = [SecureCollabError]
    while pending:
        one = pending.pop()
        if "code" in vars(one):
            found[one.code] = one
        pending += one.__subclasses__()
    return found
