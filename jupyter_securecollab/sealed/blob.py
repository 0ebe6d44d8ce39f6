"""Files, and whatever else is sealed as plain bytes: cut into pieces, each a stream of its own.

Pieces keep memory bounded while sealing and let several threads work on one object. A blob has one label and so one
level. What the bytes are is a word in the manifest; `models` gives it meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from ..errors import CannotHold, SealBroken
from ..manifest import FORMAT, Held, LevelManifest, Placed, Stream, visible
from ..model import Kind, Label, Level
from .opening import Payload, open_units, units, verified
from .sealing import Draft, DraftLevel, Sealing
from .streams import DEFAULT_LIMITS, Bound, Fetch, Keys, Limits, Progress, check_budget

PIECE = 32 * 2**20
_CHUNK = 2**20
_NOTHING = bytes(32)


class PreparedBlob:
    """Bytes ready to seal, at one level. `read(start, stop)` gives them and may be called from several threads."""

    def __init__(self, kind: Kind, held: Held, label: Label, size: int, read: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._kind = kind
        self._read = read
        starts = range(0, max(size, 1), PIECE)
        drafts = tuple(self._draft(number, start, held, label) for number, start in enumerate(starts))
        manifest = LevelManifest(FORMAT, label.level, _NOTHING, 0, tuple(draft.stream for draft in drafts))
        self._levels = {label.level: DraftLevel(manifest, drafts)}

    @property
    def levels(self) -> tuple[Level, ...]:
        """The one level at which it is stored."""
        return tuple(self._levels)

    def seal(
        self,
        *,
        asset: str,
        version: str,
        keys: Mapping[Level, bytes],
        parents: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Sealing:
        """Start sealing under the key of its level."""
        return Sealing(self._kind, self._levels, Bound(asset, version), keys, parents, progress)

    def _draft(self, number: int, start: int, held: Held, label: Label) -> Draft:
        stop = min(start + PIECE, self.size)
        stream = Stream(
            number=number,
            role="blob",
            position=number,
            offset=0,
            size=0,
            sha256=_NOTHING,
            batches=(),
            label=label,
            held=held,
        )
        return Draft(stream, stop - start, lambda rows: self._pieces(start, stop))

    def _pieces(self, start: int, stop: int) -> Iterable[tuple[int, pa.Buffer]]:
        for at in range(start, stop, _CHUNK):
            end = min(at + _CHUNK, stop)
            chunk = self._read(at, end)
            if len(chunk) != end - at:
                raise CannotHold("the file changed while it was being sealed", next_step="Share it again.")
            yield 0, pa.py_buffer(chunk)


def prepare_file(source: Path | bytes, label: Label) -> PreparedBlob:
    """A file by path, read piece by piece while sealing, or bytes already in memory."""
    if isinstance(source, bytes):
        return PreparedBlob("file", Held("bytes"), label, len(source), lambda start, stop: source[start:stop])
    if not source.is_file():
        raise CannotHold(f"{source.name!r} is not a file", next_step="Give the path of a readable file.")
    return PreparedBlob("file", Held("bytes"), label, source.stat().st_size, _reader(source))


def open_blob(
    opened_top: bytes,
    level_manifests: Mapping[Level, bytes],
    keys: Keys,
    fetch: Fetch,
    *,
    expected_top_hash: bytes | None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> bytes:
    """The bytes of a file. Arguments and errors as for `frame.open_frame`."""
    return open_bytes("file", opened_top, level_manifests, keys, fetch, expected_top_hash, limits, progress)[0]


def open_bytes(
    kind: Kind,
    opened_top: bytes,
    level_manifests: Mapping[Level, bytes],
    keys: Keys,
    fetch: Fetch,
    expected_top_hash: bytes | None,
    limits: Limits,
    progress: Progress | None,
) -> tuple[bytes, Held]:
    """The bytes of a blob of this kind, and what its manifest says they are."""
    top, levels = verified(opened_top, level_manifests, expected_top_hash, kind)
    pieces = sorted(visible(levels).others, key=lambda one: one.stream.position)
    held = pieces[0].stream.held if pieces else None
    if held is None or any(one.stream.held != held or one.stream.position != at for at, one in enumerate(pieces)):
        raise SealBroken()
    check_budget((one.stream for one in pieces), limits, lambda stream: 0)
    found = open_units(units(levels, pieces), keys, fetch, Bound(top.asset, top.version), _build, progress)
    return b"".join(found), held


def _build(placed: Placed, payload: Payload) -> bytes:
    return b"".join(raw.to_pybytes() for _, raw in payload(placed.stream))


def _reader(path: Path) -> Callable[[int, int], bytes]:
    def read(start: int, stop: int) -> bytes:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(stop - start)

    return read
