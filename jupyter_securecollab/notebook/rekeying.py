"""New keys for what somebody no longer may open: sealed again, sent, and the versions before destroyed.

A key he kept from before then opens nothing any more, not even with a copy of the store from today on.
"""

from __future__ import annotations

from contextlib import suppress

from ..errors import Denied, SecureCollabError
from ..manifest import parse_top
from ..model import Committed, Level, Opened
from ..sealed.resealing import Resealing
from .opening import vouched
from .session import Session


def rekey(session: Session, name: str) -> tuple[int, tuple[int, ...]]:
    """Seal the newest version again and destroy all before it; the new version's number and those destroyed.

    Raises `Denied` for somebody who does not read all of it: nobody else has what there is to seal.
    """
    newest = session.client.versions(name)[0]
    # Each level is opened by itself: its masked copies are what readers up to it get, and nobody above.
    opened = {level: session.client.open(name, number=newest.number, up_to=level) for level in newest.levels}
    whole = opened[max(newest.levels)]
    if set(parse_top(whole.manifest).levels) != set(newest.levels):
        raise Denied(
            f"access has ended, but {name} keeps its keys: you do not read all of it",
            next_step="Ask somebody who does to share it again.",
        )
    done = _send(session, name, whole, opened)
    destroyed: tuple[int, ...] = ()
    while numbers := session.client.shred(name, done.number).numbers:
        destroyed += numbers
    return done.number, destroyed


def _send(session: Session, name: str, whole: Opened, opened: dict[Level, Opened]) -> Committed:
    client = session.client
    keys = {(key.level, key.stream): key.key for one in opened.values() for key in one.keys}
    expected = vouched(whole, name, client.log_key)
    begun = client.begin(name, whole.kind, tuple(opened))
    try:
        resealing = Resealing(whole.manifest, whole.levels, expected_top_hash=expected, begun=begun)

        def fetch(level: Level, partition: int, start: int, stop: int) -> bytes:
            return client.read_part(opened[level], level, partition, start, stop)

        for part in resealing.parts(keys, fetch):
            client.upload(begun.version, part.level, part.partition, part.chunks)
        made = resealing.finish()
        return client.commit(begun.version, made.top, made.levels, made.fingerprint)
    except BaseException:
        with suppress(SecureCollabError):  # what went wrong first is what people need to hear
            client.abort(begun.version)
        raise
