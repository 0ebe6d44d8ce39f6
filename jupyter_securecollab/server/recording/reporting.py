"""What a person's own server sees being executed, brought to a vault that is a service elsewhere.

To `spool` and the writer this looks like the vault: segments are sealed to the service's key, so that nobody reads them
where they lie, and are sent as they are. While the service is away records wait, in memory and in the spool; sent again
they change nothing there. Used from the writer's thread, and before it runs.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from ... import answers
from ...core.ports import Clock
from ...errors import SealBroken, Unavailable
from ...protocol import PREFIX, Reply, Report, route
from ...runs import Reported, Seen, SpoolKey
from ...spooled import KEY_BYTES, Opened, Sealing
from .spool import take_in

_TIMEOUT = httpx.Timeout(10.0)
_MOST_CODE = 2 * 1024 * 1024
_MOST_BYTES = 4 * 1024 * 1024
_KEY_FILE = "service.key"
_SPOOL = re.compile("[0-9a-f]{32}")
_log = logging.getLogger(__name__)


class Reporting:
    """The service at `url`, told in the name of whoever `token` belongs to. `folder` is for spools and the key."""

    def __init__(self, url: str, token: str, folder: Path, clock: Clock) -> None:
        headers = {"Authorization": f"token {token}"}
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/{PREFIX}/", headers=headers, trust_env=False, timeout=_TIMEOUT
        )
        self._folder, self._clock = folder, clock
        self._id, self._sent = secrets.token_bytes(16), 0
        self._key = b""
        self._left = True

    def finish(self, seen: Seen) -> Seen:
        """Of very long code the length alone: a record has to fit into a request."""
        if seen.code is None or len(seen.code) <= _MOST_CODE:
            return seen
        return Seen(msgspec.structs.replace(seen.record, length=len(seen.code)))

    def write(self, batch: Sequence[Seen]) -> None:
        """Bring records, those first that killed servers left. Raises `Unavailable`."""
        if self._left:
            try:
                take_in(self._folder, self, self._clock)
            except OSError as error:
                _log.error("what an earlier server left cannot be read: %s", type(error).__name__)
            self._left = False
        waiting = list(batch)
        while waiting:
            size, count = len(waiting[0].code or b""), 1
            while count < len(waiting) and (size := size + 2000 + len(waiting[count].code or b"")) < _MOST_BYTES:
                count += 1
            self._bring(waiting[:count])
            del waiting[:count]

    def _bring(self, seen: Sequence[Seen]) -> None:
        sealing = Sealing(self._id, self._sent, self._key or self.begin_spool(self._id))
        self._sent += 1
        try:
            self.take_segment(self._id, self._sent - 1, sealing.head + b"".join(map(sealing.frame, seen)))
        except SealBroken:
            self._key = b""  # the vault has another key now
            raise Unavailable("the vault could not open what it was sent") from None

    # -- as `spool` sees a vault -------------------------------------------------------------------------------------

    def begin_spool(self, spool: bytes) -> bytes:
        """The service's public key; while it is away, the one it had when it was last asked."""
        file = self._folder / _KEY_FILE
        try:
            self._key = self._ask("spool_key", SpoolKey).key
        except Unavailable:
            if not file.exists():
                raise
            kept = file.read_bytes()
            if len(kept) != KEY_BYTES:  # of a server that was killed while it wrote
                raise
            self._key = kept
        else:
            file.write_bytes(self._key)
        return self._key

    def spools(self) -> tuple[bytes, ...]:
        """Those that lie in the folder."""
        names = [place.name for place in self._folder.iterdir() if _SPOOL.fullmatch(place.name) and place.is_dir()]
        return tuple(bytes.fromhex(name) for name in sorted(names))

    def take_segment(self, spool: bytes, number: int, segment_bytes: bytes) -> Opened:
        """Send it as it is."""
        request = Report(spool=spool.hex(), number=number, segment=segment_bytes)
        return Opened((), self._ask("report", Reported, request).whole)

    def end_spool(self, spool: bytes, last: Seen | None = None) -> None:
        """Say what there is to say of it at last."""
        if last is not None:
            self._bring([last])

    def _ask(self, name: str, kind: type[SpoolKey] | type[Reported], request: Report | None = None) -> Any:
        one = route(name)
        body = None if request is None else msgspec.json.encode(request)
        try:
            answer = self._http.request(one.method, one.path, content=body)
            if answer.status_code in (413, 422):
                raise SealBroken
            if answer.status_code != 200:
                raise Unavailable(f"the vault answers with {answer.status_code}")
            return answers.read(answer.content, Reply[kind]).result  # type: ignore[valid-type]
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise Unavailable("the vault does not answer") from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
