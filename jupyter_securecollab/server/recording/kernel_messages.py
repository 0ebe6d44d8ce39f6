"""Kernel messages as the record of executions needs them: what a browser sends, and what a kernel broadcasts.

Reads no more of a message than it must: outputs of any size pass by without being decoded.
"""

from __future__ import annotations

import json
from typing import Any

from jupyter_client.session import Session
from jupyter_server.services.kernels.connection.base import deserialize_binary_message
from zmq.eventloop.zmqstream import ZMQStream

from .execution import Recording

V1 = "v1.kernel.websocket.jupyter.org"


class Incoming:
    """A message from a websocket, in either of Jupyter's two protocols. Raises for what is not one."""

    def __init__(self, raw: str | bytes, subprotocol: str | None) -> None:
        self._raw, self._parts = b"", None
        if subprotocol == V1:
            if isinstance(raw, str):
                raise ValueError("messages of this protocol are bytes")
            self._raw = raw
            self.channel = raw[self._offset(0) : self._offset(1)].decode()
            self.header: dict[str, Any] = self._unpacked(1)
            return
        # The older protocol has all parts in one JSON text.
        parts = deserialize_binary_message(raw) if isinstance(raw, bytes) else json.loads(raw)  # type: ignore[no-untyped-call]
        self._parts = parts
        self.header, self.channel = dict(parts["header"]), str(parts.get("channel") or "shell")

    def metadata(self) -> Any:
        """Its metadata."""
        return self._parts.get("metadata") if self._parts is not None else self._unpacked(3)

    def content(self) -> Any:
        """Its content."""
        return self._parts.get("content") if self._parts is not None else self._unpacked(4)

    def _offset(self, number: int) -> int:
        return int.from_bytes(self._raw[8 * (number + 1) : 8 * (number + 2)], "little")

    def _unpacked(self, number: int) -> Any:
        return json.loads(self._raw[self._offset(number) : self._offset(number + 1)], object_pairs_hook=_named_once)


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """These bytes go on to the kernel as they are, and of two values of one name it might believe the other."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a message that names something twice")
    return found


class Broadcasts:
    """What one kernel broadcasts, as far as it tells what is executed; what the kernel did not sign does not count."""

    def __init__(self, recording: Recording, kernel_id: str, session: Session) -> None:
        self._recording, self._kernel_id = recording, kernel_id
        self._session = session
        self._next: Any = None

    def listen(self, stream: ZMQStream) -> None:
        """Hear every message after whoever listens to this stream now, who also checks signatures."""
        self._next = stream._recv_callback
        stream.on_recv(self._hear)

    def _hear(self, message: list[Any]) -> None:
        self._next(message)  # raises for a wrong signature
        parts = message[message.index(b"<IDS|MSG>") + 1 :]
        header = parts[1]
        unpack, kernel, recording = self._session.unpack, self._kernel_id, self._recording
        if b'"status"' in header:
            state = unpack(parts[4]).get("execution_state")
            if state == "busy":
                recording.is_busy(kernel, unpack(parts[2]))
            elif state == "idle":
                recording.is_idle(kernel, unpack(parts[2]))
        elif b'"execute_input"' in header:
            recording.ran(kernel, unpack(parts[2]), unpack(parts[4]).get("code"))
        elif b'"error"' in header:
            recording.raised(kernel, unpack(parts[2]), unpack(parts[4]).get("ename"))
