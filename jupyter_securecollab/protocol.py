"""Wire protocol, version 1: one request type per route, the route table, errors on the wire, the OpenAPI document.

A request's fields are the keyword arguments of the door's method of the same name. A POST has them all in its JSON
body; GET, PUT and DELETE those that the path names there, and the others in the query. Answers are model types in an
envelope with the newest checkpoint of the log. Uploads, part reads and the log's export carry raw
bytes. No behaviour here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from .errors import Denied, SecureCollabError, by_code
from .model import (
    Access,
    AccessSpec,
    AssetSummary,
    Begun,
    Changed,
    Committed,
    Corrected,
    Correction,
    Decision,
    Directory,
    EntryView,
    Fingerprint,
    Join,
    Joining,
    Kind,
    LabelKey,
    Level,
    LogHead,
    Name,
    Opened,
    Receipt,
    Remembered,
    Shredded,
    Unmasked,
    Value,
    VersionSummary,
    Who,
)  # fmt: skip
from .runs import Notebook, RecordingState, Reported, Run, SpoolKey

PREFIX = "securecollab/api/v1"
"""Below the server's base URL."""

TOKEN_HEADER = "X-SecureCollab-Token"
PARENT_HEADER = "X-SecureCollab-Parent"
SEEN_HEADER = "X-SecureCollab-Log-Size"
LEASE_HEADER = "X-SecureCollab-Lease"
ONCE_HEADER = "Idempotency-Key"
"""The key under which a request is done once, however often it arrives: 32 hex digits in double quotes."""
ONCE_PATTERN = '^"[0-9a-f]{32}"$'

SMALL_BODY = 1024 * 1024
COMMIT_BODY = 160 * 1024 * 1024
"""Largest JSON body of an ordinary request, and of a commit, which carries the manifests. Bytes."""

REPORT_BODY = 8 * 1024 * 1024
"""Largest body with records of executions. Bytes."""

Identifier = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Columns = Annotated[tuple[Annotated[str, Meta(max_length=1024)], ...], Meta(max_length=10_000)]
Names = Annotated[tuple[Name, ...], Meta(max_length=1000, min_length=1)]
Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]

T = TypeVar("T")


class Nothing(Value, frozen=True):
    """No parameters, or no result."""


class Begin(Value, frozen=True):
    """Begin a version."""

    name: Name
    kind: Kind
    levels: Annotated[tuple[Level, ...], Meta(max_length=16)]
    access: AccessSpec | None = None
    title: Annotated[str, Meta(max_length=200)] = ""
    joins: Annotated[tuple[Join, ...], Meta(max_length=100)] = ()


class Commit(Value, frozen=True):
    """Make a begun version visible."""

    version: Identifier
    manifest: bytes
    levels: dict[Level, bytes]
    fingerprint: Annotated[bytes, Meta(min_length=32, max_length=32)]


class VersionOnly(Value, frozen=True):
    """A version the caller began."""

    version: Identifier


class Open(Value, frozen=True):
    """Ask for keys, manifests and a lease."""

    name: Name
    number: Number | None = None
    columns: Columns | None = None
    up_to: Level | None = None
    purpose: Name | None = None


class Unmask(Value, frozen=True):
    """Ask for the key that opens the tokens of one column."""

    name: Name
    column: Annotated[str, Meta(max_length=1024)]
    because: Annotated[str, Meta(min_length=1, max_length=2000)]
    number: Number | None = None
    purpose: Name | None = None


class Grant(Value, frozen=True):
    """Give access."""

    name: Name
    access: AccessSpec


class Revoke(Value, frozen=True):
    """End access."""

    name: Name
    people: Names


CORRECTIONS = 100
"""Corrections in one request: their rows have to fit into one entry of the log."""


class Correct(Value, frozen=True):
    """Remember and forget what the caller says of columns."""

    corrections: Annotated[tuple[Correction, ...], Meta(max_length=CORRECTIONS)] = ()
    forget: Annotated[tuple[Fingerprint, ...], Meta(max_length=CORRECTIONS)] = ()


class AskJoin(Value, frozen=True):
    """Ask for pseudonyms that join over a project."""

    name: Name
    level: Level
    because: Annotated[str, Meta(min_length=1, max_length=2000)]


class DecideJoin(Value, frozen=True):
    """Say yes or no to such a request."""

    id: Identifier
    allow: bool


class Shred(Value, frozen=True):
    """Destroy versions before a number."""

    name: Name
    before: Number


class NameOnly(Value, frozen=True):
    """One asset by its name."""

    name: Name


class Audit(Value, frozen=True):
    """Which entries to list."""

    name: Name | None = None
    by: Name | None = None
    since: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Report(Value, frozen=True):
    """A segment of sealed records from a person's own server, in base64."""

    spool: Identifier
    number: Number
    segment: bytes


class Executions(Value, frozen=True):
    """Which executions to list."""

    by: Name | None = None
    notebook: Notebook | None = None
    since: datetime | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Prove(Value, frozen=True):
    """Which entry to prove."""

    index: Number


class Part(Value, frozen=True):
    """One part of a version."""

    version: Identifier
    level: Level
    partition: Number


class Route(msgspec.Struct, frozen=True):
    """One route: how it is called, what it takes and gives, and whether it may change what people see in lists.

    `once`: sent twice it would be done twice, unless both have the same key.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    request: type[Value]
    response: Any
    changes: bool = False
    once: bool = False
    raw: bool = False
    body_limit: int = SMALL_BODY


ROUTES: tuple[Route, ...] = (
    Route("me", "GET", "me", Nothing, Who),
    Route("directory", "GET", "directory", Nothing, Directory),
    Route("begin", "POST", "versions", Begin, Begun),
    Route("upload", "PUT", "versions/{version}/parts/{level}/{partition}", Part, Nothing, raw=True),
    Route("read_part", "GET", "versions/{version}/parts/{level}/{partition}", Part, Nothing, raw=True),
    Route("commit", "POST", "commit", Commit, Committed, changes=True, body_limit=COMMIT_BODY),
    Route("abort", "DELETE", "versions/{version}", VersionOnly, Nothing),
    Route("open", "POST", "open", Open, Opened),
    Route("unmask", "POST", "unmask", Unmask, Unmasked),
    Route("grant", "POST", "grant", Grant, Changed, changes=True, once=True),
    Route("revoke", "POST", "revoke", Revoke, Changed, changes=True, once=True),
    Route("shred", "POST", "shred", Shred, Shredded, changes=True, once=True),
    Route("assets", "GET", "assets", Nothing, tuple[AssetSummary, ...]),
    Route("describe", "GET", "assets/{name}", NameOnly, AssetSummary),
    Route("access", "GET", "assets/{name}/access", NameOnly, tuple[Access, ...]),
    Route("versions", "GET", "assets/{name}/versions", NameOnly, tuple[VersionSummary, ...]),
    Route("label_key", "GET", "label-key", Nothing, LabelKey),
    Route("corrections", "GET", "corrections", Nothing, tuple[Remembered, ...]),
    Route("correct", "POST", "correct", Correct, Corrected, once=True),
    Route("joins", "GET", "joins", Nothing, tuple[Joining, ...]),
    Route("ask_join", "POST", "join", AskJoin, Joining, once=True),
    Route("decide_join", "POST", "join/decision", DecideJoin, Joining, once=True),
    Route("audit", "GET", "audit", Audit, tuple[EntryView, ...]),
    Route("executions", "GET", "executions", Executions, tuple[Run, ...]),
    Route("recording", "GET", "recording", Nothing, RecordingState),
    Route("spool_key", "GET", "spool-key", Nothing, SpoolKey),
    Route("report", "POST", "records", Report, Reported, body_limit=REPORT_BODY),
    Route("export", "GET", "audit/export", Nothing, Nothing, raw=True),
    Route("prove", "GET", "audit/{index}", Prove, Receipt),
)

PATTERNS = {
    "name": r"([^/]+/[^/]+)",
    "version": r"([0-9a-f]{32})",
    "level": r"([a-z]+)",
    "partition": r"([0-9]{1,9})",
    "index": r"([0-9]{1,16})",
}
"""Regular expressions of what may stand in a path."""


def route(name: str) -> Route:
    """The route of that name."""
    return next(one for one in ROUTES if one.name == name)


class Reply(msgspec.Struct, Generic[T]):
    """What every JSON answer looks like: the result, and the head of the log it was given under."""

    result: T
    log: LogHead


class ErrorBody(Value, frozen=True):
    """An error on the wire."""

    code: str
    message: str
    next_step: str = ""
    decision: Decision | None = None


class ErrorReply(Value, frozen=True):
    """What every unsuccessful JSON answer looks like."""

    error: ErrorBody


def error_body(error: SecureCollabError) -> ErrorBody:
    """An error as it travels."""
    return ErrorBody(error.code, str(error), error.next_step, getattr(error, "decision", None))


def error_from(body: ErrorBody) -> SecureCollabError:
    """The error the vault raised, as the same class; an unknown code becomes the base class."""
    kind = by_code().get(body.code, SecureCollabError)
    if issubclass(kind, Denied):
        return kind(body.message, decision=body.decision, next_step=body.next_step)
    return kind(body.message, next_step=body.next_step)


def openapi(version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of this protocol, for a server of this package version."""
    types = [one.request for one in ROUTES] + [one.response for one in ROUTES] + [ErrorReply, LogHead]
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    paths: dict[str, dict[str, Any]] = {}
    for one in ROUTES:
        paths.setdefault(f"/{PREFIX}/{one.path}", {})[one.method.lower()] = _operation(one, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jupyter_securecollab", "version": version},
        "paths": paths,
        "components": {"schemas": components},
    }


def _operation(one: Route, components: dict[str, Any]) -> dict[str, Any]:
    def reference(kind: Any) -> Any:
        return msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")[0][0]

    in_path = [field for field in PATTERNS if f"{{{field}}}" in one.path]
    fields = components[one.request.__name__].get("properties", {})
    required = components[one.request.__name__].get("required", [])
    parameters = [
        {"name": name, "in": "path" if name in in_path else "query", "required": name in required, "schema": schema}
        for name, schema in fields.items()
        if name in in_path or one.method in ("GET", "DELETE")
    ]
    if one.once:
        key = {"type": "string", "pattern": ONCE_PATTERN}
        parameters.append({"name": ONCE_HEADER, "in": "header", "required": False, "schema": key})
    envelope = {
        "type": "object",
        "required": ["result", "log"],
        "properties": {"result": reference(one.response), "log": reference(LogHead)},
    }
    raw: dict[str, Any] = {"application/octet-stream": {}}
    answer = raw if one.raw and one.method == "GET" else {"application/json": {"schema": envelope}}
    operation: dict[str, Any] = {
        "operationId": one.name,
        "parameters": parameters,
        "responses": {
            "200": {"description": "done", "content": answer},
            "default": {
                "description": "refused or failed",
                "content": {"application/json": {"schema": reference(ErrorReply)}},
            },
        },
    }
    if one.method == "POST":
        operation["requestBody"] = {"content": {"application/json": {"schema": reference(one.request)}}}
    if one.method == "PUT":
        operation["requestBody"] = {"content": raw}
    return operation
