"""From the wire to the door and back: decode a request, call the door's method in a thread, encode its answer.

One handler serves every JSON route of the table; uploads, part reads and the log's export have their own because
they carry raw bytes. They know nothing of the server they run in: `handlers` joins them with what finds out who calls
there. No decisions here.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
from tornado import web
from tornado.http1connection import HTTP1Connection

from .. import __version__, protocol
from ..core.collaboration import PART_LIMIT, Collaboration, Once, PartUpload
from ..errors import Invalid, NotFound, SecureCollabError, TooLarge
from ..model import Begun, Level, Opened, Unmasked, clip, decode
from ..protocol import PREFIX, ROUTES, Nothing, Part, Route
from .base import VaultHandler, write_error_json

T = TypeVar("T")

_PIECE = 4 * 1024 * 1024
_UPLOAD_SECONDS = 6 * 3600
_RANGE = re.compile(r"bytes=([0-9]{1,16})-([0-9]{1,16})")


THREADS = 32
"""How many calls of the door run at once."""


class AsyncDoor:
    """The door for callers on an event loop: threads to call it from, and how to say that something changed."""

    def __init__(self, door: Collaboration, changed: Callable[[], None]) -> None:
        self.door = door
        self.changed = changed
        self.calling = 0
        """Calls that run or wait for a thread."""
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="securecollab-door")

    async def call(self, act: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a blocking call off the event loop."""
        self.calling += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: act(*args, **kwargs))
        finally:
            self.calling -= 1

    def abandon(self, upload: PartUpload) -> None:
        """End an upload that nobody waits for any more."""
        try:
            self._threads.submit(upload.abandon)
        except RuntimeError:  # the server is stopping
            upload.abandon()

    def close(self) -> None:
        """Let running calls end, take no more."""
        self._threads.shutdown(wait=True)


class _DoorHandler(VaultHandler):
    """Answers with results in the envelope."""

    route: Route
    async_door: AsyncDoor
    _heard_all = False

    def initialize(self, async_door: AsyncDoor, route: Route) -> None:
        self.async_door, self.door, self.route = async_door, async_door.door, route

    async def prepare(self) -> None:
        await super().prepare()
        seen = self.request.headers.get(protocol.SEEN_HEADER, "0")
        if not re.fullmatch("[0-9]{1,16}", seen):
            raise Invalid("the size of the log seen is a number")
        self._seen = int(seen)

    def set_default_headers(self) -> None:
        """Also for errors: whoever is answered before his body was read has to know that the connection ends."""
        super().set_default_headers()
        if not self._heard_all:
            self.set_header("Connection", "close")

    def heard_all(self) -> None:
        """The body has been read: the connection serves further requests."""
        self._heard_all = True
        self.clear_header("Connection")

    async def answer(self, result: object) -> None:
        """Send a result with the head of the log, proven to extend what the client says it has seen."""
        head = await self.async_door.call(self.door.head, self._seen)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode({"result": result, "log": head}))


@web.stream_request_body
class DoorHandler(_DoorHandler):
    """A JSON route of the table. Its body is limited before it is in memory."""

    async def prepare(self) -> None:
        self._body = bytearray()
        await super().prepare()
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self.route.body_limit:
            raise self._too_large()

    def data_received(self, chunk: bytes) -> None:
        if len(self._body) + len(chunk) <= self.route.body_limit:
            self._body += chunk
        elif not self._finished:  # a body that did not say how long it is
            write_error_json(self, self._too_large())

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the request is larger than the {self.route.body_limit} bytes it may have")

    async def _serve(self, *in_path: str) -> None:
        self.heard_all()
        if self._finished:  # refused while the body arrived: what there is of it is not to be acted on
            return
        if self.request.method != self.route.method:
            raise web.HTTPError(405)
        request = self._decode(in_path)
        arguments = {name: getattr(request, name) for name in request.__struct_fields__}
        if self.route.once:
            arguments["once"] = self._once()
        result = await self.async_door.call(getattr(self.door, self.route.name), self.caller, **arguments)
        self._note_levels(request, result)
        if self.route.changes:
            self.async_door.changed()
        await self.answer(Nothing() if result is None else result)

    def _once(self) -> Once | None:
        key = self.request.headers.get(protocol.ONCE_HEADER)
        if key is None:
            return None
        if not re.fullmatch(protocol.ONCE_PATTERN, key):
            raise Invalid(f"{protocol.ONCE_HEADER} is 32 hex digits in double quotes")
        digest = hashlib.sha256(f"{self.route.name}\n".encode() + self._body)
        return Once(key.strip('"'), digest.hexdigest())

    def _note_levels(self, request: Any, result: Any) -> None:
        """What a kernel was given keys for belongs into the record of what it is executing."""
        if isinstance(result, Opened):
            self.note_touched(result.name, {key.level for key in result.keys})
        elif isinstance(result, Unmasked):
            self.note_touched(result.name, {result.level})
        elif isinstance(result, Begun):
            self.note_touched(request.name, set(result.keys))

    def _decode(self, in_path: tuple[str, ...]) -> Any:
        try:
            if self.route.method == "POST":
                return decode(self._body, self.route.request)
            fields = dict(zip(_names(self.route.path), in_path, strict=True))
            for name in self.request.query_arguments.keys() - fields.keys():
                fields[name] = self.get_query_argument(name, strip=False)
            return msgspec.convert(fields, self.route.request, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"the request cannot be understood: {clip(str(error), 200)}") from None

    async def get(self, *in_path: str) -> None:
        await self._serve(*in_path)

    async def post(self, *in_path: str) -> None:
        await self._serve(*in_path)

    async def delete(self, *in_path: str) -> None:
        await self._serve(*in_path)


@web.stream_request_body
class PartHandler(_DoorHandler):
    """Sealed parts: uploaded as a stream that never lies in memory as a whole, read in ranges under a lease."""

    _upload: PartUpload | None = None

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method == "PUT":
            connection = cast(HTTP1Connection, self.request.connection)
            connection.set_max_body_size(PART_LIMIT)
            connection.set_body_timeout(_UPLOAD_SECONDS)
            self._pending = bytearray()
            part = self._part(*self.path_args)
            self._upload = await self.async_door.call(
                self.door.upload,
                self.caller,
                version=part.version,
                level=part.level,
                partition=part.partition,
            )

    async def data_received(self, chunk: bytes) -> None:
        if self._upload is None:
            return  # the body of a request that has none: not kept
        self._pending += chunk
        if len(self._pending) >= _PIECE:
            await self._flush(self._upload)

    async def _flush(self, upload: PartUpload) -> None:
        piece, self._pending = bytes(self._pending), bytearray()
        try:
            await self.async_door.call(upload.write, piece)
        except SecureCollabError as error:
            # Raised while the body still arrives, Tornado would only close the connection.
            self._abandon()
            write_error_json(self, error)

    async def put(self, *_in_path: str) -> None:
        self.heard_all()
        upload = self._upload
        if upload is None:
            raise Invalid("there is no part to upload")
        await self.async_door.call(upload.write, bytes(self._pending))
        await self.async_door.call(upload.finish)
        self._upload = None
        await self.answer(Nothing())

    def on_connection_close(self) -> None:
        self._abandon()
        super().on_connection_close()

    def on_finish(self) -> None:
        self._abandon()
        super().on_finish()

    def _abandon(self) -> None:
        upload, self._upload = self._upload, None
        if upload is not None:
            self.async_door.abandon(upload)

    async def get(self, *in_path: str) -> None:
        self.heard_all()
        part, read = self._part(*in_path), self.door.read_part
        lease = self.request.headers.get(protocol.LEASE_HEADER, "")
        where = {"version": part.version, "level": part.level, "partition": part.partition, "lease": lease}
        wanted = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        if wanted is None:
            raise Invalid("say which bytes: Range: bytes=first-last")
        start, stop = int(wanted[1]), int(wanted[2]) + 1
        size = await self.async_door.call(self.door.part_size, self.caller, **where)
        if not start < stop <= size:
            raise Invalid("that range lies outside the part")

        async def read_from(first: int) -> bytes:
            last = min(first + _PIECE, stop)
            return await self.async_door.call(read, self.caller, start=first, stop=last, **where)

        # The first piece is read before the status goes out, so that a refusal is still an error the client can read.
        piece = await read_from(start)
        self.set_status(206)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
        self.set_header("Content-Length", str(stop - start))
        await self.flush()  # headers that wait for the first piece would be joined to it, in a copy
        while piece:
            self.write(piece)
            sent = self.flush()
            start += len(piece)
            piece = await read_from(start) if start < stop else b""
            await sent
        self.finish()

    def _part(self, version: str, level: str, partition: str) -> Part:
        return Part(version, Level.parse(level), int(partition))


class ExportHandler(_DoorHandler):
    """The whole log as a file."""

    async def get(self) -> None:
        self.heard_all()
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "audit-bundle"
            await self.async_door.call(self.door.export, self.caller, destination=bundle)
            self.set_header("Content-Type", "application/octet-stream")
            self.set_header("Content-Disposition", 'attachment; filename="audit-bundle"')
            with bundle.open("rb") as file:
                while piece := await self.async_door.call(file.read, _PIECE):
                    self.write(piece)
                    await self.flush()
        self.finish()


class OpenApiHandler(VaultHandler):
    """The description of this API."""

    async def get(self) -> None:
        self.set_header("Content-Type", "application/json")
        self.finish(msgspec.json.encode(protocol.openapi(__version__)))


class UnknownHandler(VaultHandler):
    """Everything else below the prefix: JSON, never Jupyter's page."""

    async def get(self) -> None:
        raise NotFound("there is no such route")

    async def post(self) -> None:
        await self.get()

    async def put(self) -> None:
        await self.get()

    async def delete(self) -> None:
        await self.get()

    async def patch(self) -> None:
        await self.get()


def handlers(async_door: AsyncDoor, base: type[VaultHandler]) -> list[tuple[Any, ...]]:
    """Tornado's routing table: every route of the protocol, in a server where `base` says who calls."""
    own: dict[str, type[_DoorHandler]] = {"upload": PartHandler, "read_part": PartHandler, "export": ExportHandler}
    table: list[tuple[Any, ...]] = [
        (rf"/{PREFIX}/openapi\.json", over(OpenApiHandler, base)),
    ]
    paths: dict[str, tuple[Any, ...]] = {}
    for one in ROUTES:
        handler = over(own.get(one.name, DoorHandler), base)
        paths.setdefault(
            one.path, (rf"/{PREFIX}/{_pattern(one.path)}", handler, {"async_door": async_door, "route": one})
        )
    return [*table, *paths.values(), (rf"/{PREFIX}(?:/.*)?", over(UnknownHandler, base))]


def over(routed: type[VaultHandler], base: type[VaultHandler]) -> type[VaultHandler]:
    """This handler with the server's own base beneath it."""
    return type(routed.__name__, (routed, base), {})


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _pattern(path: str) -> str:
    return re.sub(
        r"{(\w+)}", lambda found: protocol.PATTERNS[found[1]], re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    )
