"""Keys of masks where work is sent elsewhere: a name for each key, and the key itself in the memory of processes alone.

Task graphs, logs and schedulers get the name. A worker of Dask's `distributed` that meets a name it does not know asks
for it with a public key of its own, and gets the key sealed to that (HPKE, RFC 9180) from the process that holds it.
The scheduler passes on what is sealed and cannot open it. It is trusted not to put a public key of its own in place of
a worker's: who runs the scheduler can have the workers run any code, on the data itself.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from ..errors import SealBroken, Unavailable
from .keyed import MaskKey

if TYPE_CHECKING:
    from distributed import Client

_TOPIC = "jupyter-securecollab-mask-keys"
_INFO = b"jupyter-securecollab mask key 1"
_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
_PATIENCE = 30.0
"""Seconds a worker waits for a key."""

_keys: dict[str, MaskKey] = {}
_asked: dict[str, Event] = {}
_lock = Lock()
_own = X25519PrivateKey.generate()  # this process's, to have keys sealed to it


def hold(key: MaskKey) -> str:
    """Keep a key in this process for as long as it runs, under a name that tells but whether it is the same."""
    name = _name(key)
    _keys[name] = key
    return name


def key_of(name: str) -> MaskKey:
    """The key of that name: held here, or asked for by a worker. Raises `Unavailable` where nobody gives it."""
    found = _keys.get(name)
    return _ask(name) if found is None else found


def serve(client: Client) -> None:
    """Give workers of a cluster the keys that this process holds, when they ask. Needed once for each client.

    `mask_frame` does it for the client there is at that time.
    """

    def answer(event: tuple[float, Any]) -> None:
        asked = event[1]
        if asked["name"] in _keys:  # not in the client's own loop, which would wait for itself
            Thread(target=_send, args=(client, asked["name"], asked["worker"], asked["public"]), daemon=True).start()

    client.subscribe_topic(_TOPIC, answer)


def receive(name: str, sealed: bytes) -> None:
    """On a worker: take a key sealed to this process. Raises `SealBroken` for what is not the key of that name."""
    try:
        key = MaskKey(_SUITE.decrypt(sealed, _own, _INFO + name.encode()))
    except (InvalidTag, ValueError):
        raise SealBroken() from None
    if _name(key) != name:
        raise SealBroken()
    _keys[name] = key
    if waiting := _asked.pop(name, None):
        waiting.set()


def _name(key: MaskKey) -> str:
    return key.derive("name", size=16).hex()


def _send(client: Client, name: str, worker: str, public: bytes) -> None:
    to = X25519PublicKey.from_public_bytes(public)
    with suppress(OSError):  # a worker that is gone needs no key
        client.run(receive, name, _SUITE.encrypt(_keys[name].secret, to, _INFO + name.encode()), workers=[worker])


def _ask(name: str) -> MaskKey:
    worker = _worker()
    if worker is not None:
        with _lock:
            first, waiting = name not in _asked, _asked.setdefault(name, Event())
        if first:
            public = _own.public_key().public_bytes_raw()
            worker.log_event(_TOPIC, {"name": name, "worker": worker.address, "public": public})
        waiting.wait(_PATIENCE)
        _asked.pop(name, None)
    if name not in _keys:
        step = "Keep the process that masks running, with frames.held.serve(client); or compute in threads."
        raise Unavailable("a key for masking is not held in this process, and nobody gives it", next_step=step)
    return _keys[name]


def _worker() -> Any:
    """The worker of `distributed` that this runs on, if it does."""
    distributed = sys.modules.get("distributed")
    with suppress(ValueError, AttributeError):
        return None if distributed is None else distributed.get_worker()
    return None
