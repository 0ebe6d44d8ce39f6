"""The `WitnessLink` port: a witness reached over HTTP, as C2SP tlog-witness has it."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from ..cosigning import Asking, write_request
from ..errors import LogBroken, Unavailable

_TIMEOUT = httpx.Timeout(4.0, connect=2.0)
_SIZE_TYPE = "text/x.tlog.size"
_MOST = 64 * 1024


class HttpWitness:
    """The witness with this public key, at the address below which `add-checkpoint` is."""

    def __init__(self, key: str, url: str) -> None:
        self.key = key
        self._url = f"{url.rstrip('/')}/add-checkpoint"
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False)

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> str | int:
        try:
            with self._http.stream("POST", self._url, content=write_request(Asking(old, tuple(proof), note))) as answer:
                body = _text(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"it does not answer ({type(error).__name__})") from error
        kind = answer.headers.get("Content-Type", "")
        if answer.status_code == 200:
            return body
        if answer.status_code == 409 and kind == _SIZE_TYPE and body[:-1].isdecimal() and len(body) < 20:
            return int(body)
        if answer.status_code in (400, 403, 404, 409, 422):
            raise LogBroken(f"it refuses ({answer.status_code}: {_shown(body)})")
        raise Unavailable(f"it answers {answer.status_code}")

    def close(self) -> None:
        self._http.close()


def _text(answer: httpx.Response) -> str:
    found = b""
    for chunk in answer.iter_bytes():
        found += chunk
        if len(found) > _MOST:
            raise Unavailable("it answers with more than a few signatures")
    return found.decode("utf-8", "replace")


def _shown(body: str) -> str:
    """The first of what it said, fit for a log."""
    return "".join(c if c.isprintable() else " " for c in body[:200]).strip()
