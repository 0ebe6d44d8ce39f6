"""What a message asks a kernel to do: whether it runs anything, and what is recorded of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ...runs import VERSION, Record, plain

NOT_RECORDED = frozenset(
    (
        *("kernel_info_request", "comm_info_request", "history_request", "is_complete_request", "usage_request"),
        *("complete_request", "inspect_request", "interrupt_request", "shutdown_request"),
        *("create_subshell_request", "delete_subshell_request", "list_subshell_request"),
    )
)
"""Messages that run no code, or none but what objects already in the kernel do when they are looked at."""


def started(**said: Any) -> Record:
    """A new run."""
    return Record(v=VERSION, what="start", run=secrets.token_hex(16), **said)


def start_of(
    who: str, kernel_id: str, notebook: str | None, at: datetime, header: Mapping[str, Any], metadata: Any, content: Any
) -> Record:
    """Of a message on its way to a kernel. Who and where are the server's word, all else is the sender's."""
    kind = str(header.get("msg_type"))
    return started(
        at=at,
        act=act(header),
        who=who,
        kernel=kernel_id,
        notebook=notebook,
        cell=plain(metadata.get("cellId")) if isinstance(metadata, dict) else None,
        subshell=plain(header.get("subshell_id")),
        silent=content.get("silent") is True,
        history=content.get("store_history") is not False,
        expressions=len(content["user_expressions"]) if isinstance(content.get("user_expressions"), dict) else 0,
        target=plain(content.get("target_name") if kind == "comm_open" else content.get("command")),
    )


def only_asks(channel: str, kind: object, content: object) -> bool:
    """Whether this asks a debugger for what JupyterLab wants to know at every turn, which runs nothing.

    No other of its commands is harmless by name: values are shown by running their `repr`, breakpoints have conditions.
    """
    asks = isinstance(content, dict) and content.get("command") == "debugInfo"
    return asks and (channel, kind) == ("control", "debug_request")


def act(header: Mapping[str, Any]) -> str:
    """What kind of message it is."""
    return plain(str(header.get("msg_type")).removesuffix("_request"), 40) or "?"


def code_of(kind: str, content: Mapping[str, Any]) -> bytes | None:
    """What a message runs, to be hashed; for messages without code, what they carry. Never what people typed in."""
    if kind == "input_reply":
        return None
    expressions = content.get("user_expressions")
    if kind == "execute_request" and not expressions:
        return utf8(content.get("code"))
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def utf8(code: object) -> bytes:
    """Code as it is hashed."""
    return code.encode("utf-8", "replace") if isinstance(code, str) else b""
