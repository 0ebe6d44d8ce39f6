"""From the wire to the door and back: decode a request, call the door's method in a thread, encode its answer.

One handler serves every JSON route of the table; uploads, part reads and the log's export have their own because
they carry raw bytes. No decisions here.
"""

from __future__ import annotations

import asyncio
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
from ..core.collaboration import PART_LIMIT, Collaboration, PartUpload
from ..errors import Invalid, NotFound
from ..model import Level, clip
from ..protocol import PREFIX, ROUTES, Nothing, Part, Route
from .base import VaultHandler

T = TypeVar("T")

_PIECE = 4 * 1024 * 1024
_RANGE = re.compile(r"bytes=([0-9]{1,16})-([0-9]{1,16})")


class Desk:
    """What handlers share: the door, threads to call it from, and how to say that something changed."""

    def __init__(self, door: Collaboration, changed: Callable[[], None]) -> None:
        self.door = door
        self.changed = changed
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="securecollab-door")

    async def call(self, act: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Run a blocking call off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: act(*args, **kwargs))

    def close(self) -> None:
        """Let running calls end, take no more."""
        self._threads.shutdown(wait=True)


class _DoorHandler(VaultHandler):
    """Limits bodies before they are in memory, and answers with results in the envelope."""

    route: Route
    desk: Desk

    def initialize(self, desk: Desk, route: Route | None = None) -> None:
        self.desk = desk
        if route is not None:
            self.route = route

    async def answer(self, result: object) -> None:
        """Send a result with the head of the log, proven to extend what the client says it has seen."""
        seen = self.request.headers.get(protocol.SEEN_HEADER, "0")
        if not re.fullmatch("[0-9]{1,16}", seen):
            raise Invalid("the size of the log seen is a number")
        head = await self.desk.call(self.desk.door.head, int(seen))
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(msgspec.json.encode({"result": result, "log": head}))


@web.stream_request_body
class DoorHandler(_DoorHandler):
    """A JSON route of the table."""

    async def prepare(self) -> None:  # type: ignore[override]  # its one parameter is Jupyter's own
        self._body = bytearray()
        await super().prepare()

    def data_received(self, chunk: bytes) -> None:
        if len(self._body) + len(chunk) > self.route.body_limit:
            raise web.HTTPError(413)
        self._body += chunk

    async def _serve(self, *in_path: str) -> None:
        door, one = self.desk.door, self.route
        if self.request.method != one.method:
            raise web.HTTPError(405)
        request = self._decode(one, in_path)
        arguments = {name: getattr(request, name) for name in request.__struct_fields__}
        result = await self.desk.call(getattr(door, one.name), self.caller, **arguments)
        if one.changes:
            self.desk.changed()
        await self.answer(Nothing() if result is None else result)

    def _decode(self, one: Route, in_path: tuple[str, ...]) -> Any:
        fields: dict[str, Any] = dict(zip(_names(one.path), in_path, strict=True))
        try:
            if one.method == "POST":
                body = msgspec.json.decode(bytes(self._body) or b"{}")
                if not isinstance(body, dict) or fields.keys() & body.keys():
                    raise Invalid("the body is a JSON object without what the path already says")
                return msgspec.convert({**body, **fields}, one.request, strict=not fields)
            for name in self.request.query_arguments:
                if name not in fields:
                    fields[name] = self.get_query_argument(name)
            return msgspec.convert(fields, one.request, strict=False)
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

    async def prepare(self) -> None:  # type: ignore[override]  # its one parameter is Jupyter's own
        await super().prepare()
        if self.request.method == "PUT":
            cast(HTTP1Connection, self.request.connection).set_max_body_size(PART_LIMIT)
            part = self._part(*self.path_args)
            self._upload = await self.desk.call(
                self.desk.door.upload,
                self.caller,
                version=part.version,
                level=part.level,
                partition=part.partition,
            )
            self._pending = bytearray()

    async def data_received(self, chunk: bytes) -> None:
        if self._upload is None:
            raise web.HTTPError(413 if self.request.method == "GET" else 400)
        self._pending += chunk
        if len(self._pending) >= _PIECE:
            await self._flush(self._upload)

    async def _flush(self, upload: PartUpload) -> None:
        piece, self._pending = bytes(self._pending), bytearray()
        await self.desk.call(upload.write, piece)

    async def put(self, *_in_path: str) -> None:
        upload = self._upload
        if upload is None:
            raise Invalid("there is no part to upload")
        await self._flush(upload)
        self._upload = None
        await self.desk.call(upload.finish)
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
            upload.abandon()

    async def get(self, *in_path: str) -> None:
        part, door = self._part(*in_path), self.desk.door
        lease = self.request.headers.get(protocol.LEASE_HEADER, "")
        where = {"version": part.version, "level": part.level, "partition": part.partition, "lease": lease}
        wanted = _RANGE.fullmatch(self.request.headers.get("Range", ""))
        if wanted is None:
            raise Invalid("say which bytes: Range: bytes=first-last")
        start, stop = int(wanted[1]), int(wanted[2]) + 1
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", "no-store")
        # The first piece is read before the status goes out, so that a refusal is still an error the client can read.
        piece = await self.desk.call(door.read_part, self.caller, start=start, stop=min(start + _PIECE, stop), **where)
        self.set_status(206)
        self.set_header("Content-Length", str(stop - start))
        while True:
            self.write(piece)
            await self.flush()
            start += len(piece)
            if start >= stop:
                break
            piece = await self.desk.call(
                door.read_part, self.caller, start=start, stop=min(start + _PIECE, stop), **where
            )
        self.finish()

    def _part(self, version: str, level: str, partition: str) -> Part:
        return Part(version, Level.parse(level), int(partition))


class ExportHandler(_DoorHandler):
    """The whole log as a file."""

    async def get(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            bundle = Path(folder) / "audit-bundle"
            await self.desk.call(self.desk.door.export, self.caller, destination=bundle)
            self.set_header("Content-Type", "application/octet-stream")
            self.set_header("Content-Disposition", 'attachment; filename="audit-bundle"')
            with bundle.open("rb") as file:
                while piece := await self.desk.call(file.read, _PIECE):
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


def handlers(desk: Desk) -> list[tuple[Any, ...]]:
    """Tornado's routing table for every route of the protocol."""
    own: dict[str, type[_DoorHandler]] = {"upload": PartHandler, "read_part": PartHandler, "export": ExportHandler}
    table: list[tuple[Any, ...]] = [(rf"/{PREFIX}/openapi\.json", OpenApiHandler)]
    paths: dict[str, tuple[Any, ...]] = {}
    for one in ROUTES:
        handler = own.get(one.name, DoorHandler)
        paths.setdefault(one.path, (rf"/{PREFIX}/{_pattern(one.path)}", handler, {"desk": desk, "route": one}))
    return [*table, *paths.values(), (rf"/{PREFIX}(?:/.*)?", UnknownHandler)]


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def _pattern(path: str) -> str:
    return re.sub(
        r"{(\w+)}", lambda found: protocol.PATTERNS[found[1]], re.escape(path).replace(r"\{", "{").replace(r"\}", "}")
    )
