"""Which vault a kernel belongs to: what its server told it, or the sign-in this user has saved."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import msgspec

from .. import answers
from ..cosigning import Quorum
from ..errors import NotSignedIn
from ..files import data_folder, replacing
from ..model import Value
from ..protocol import PREFIX, Reply, route
from ..runs import RecordingState
from .requests import TIMEOUT
from .vault import Client


def connect(*, parent: Callable[[], str | None] = lambda: None) -> Client:
    """The vault that `SECURECOLLAB_URL`, `_TOKEN` and `_LOG_KEY` name, as the server set them; else the saved sign-in.

    `SECURECOLLAB_WITNESSES` says whose cosignatures its log needs.

    `parent` names the message being executed, from which the server finds who executes. Raises `NotSignedIn` when the
    kernel was started by something else.
    """
    url, token, key = (os.environ.get(f"SECURECOLLAB_{name}") for name in ("URL", "TOKEN", "LOG_KEY"))
    quorum = Quorum.parse(os.environ.get("SECURECOLLAB_WITNESSES", ""))
    if url and token:
        return Client(url, token, parent=parent, log_key=key, quorum=quorum)
    if url:
        raise NotSignedIn("the server that started this kernel does not know whose it is")
    saved = _saved_login()
    if saved is None:
        raise NotSignedIn(
            "this kernel is not connected to a vault",
            next_step="Start it from a server with jupyter_securecollab, or run `jupyter securecollab login URL`.",
        )
    return Client(saved.url, saved.token, log_key=saved.log_key, quorum=quorum)


def told_by_own_server() -> RecordingState | None:
    """What the person's own server says of recording by itself, where the vault is elsewhere; None if it does not."""
    url, token = (os.environ.get(f"SECURECOLLAB_{name}") for name in ("SERVER", "TOKEN"))
    if not url or not token:
        return None
    with suppress(httpx.TransportError, msgspec.DecodeError):
        address, headers = f"{url.rstrip('/')}/{PREFIX}/{route('recording').path}", {"Authorization": f"token {token}"}
        answer = httpx.get(address, headers=headers, timeout=TIMEOUT, trust_env=False)
        return answers.read(answer.content, Reply[RecordingState]).result
    return None


class _Login(Value, frozen=True):
    """A sign-in kept for kernels that no server started."""

    url: str
    token: str
    log_key: str


def save_login(url: str, token: str, log_key: str) -> None:
    """Keep a sign-in in a file only its owner can read (0600), for kernels that no server started."""
    file = _login_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with replacing(file) as out:
        out.write(msgspec.json.encode(_Login(url, token, log_key)))


def saved_token(url: str) -> str | None:
    """The personal token saved for the server at this address, by whichever name this machine is called in it."""
    saved = _saved_login()
    return saved.token if saved is not None and _place(saved.url) == _place(url) else None


def _place(url: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(url)
    host = "localhost" if parts.hostname in ("127.0.0.1", "::1") else parts.hostname
    return parts.scheme, host or "", parts.port, parts.path.rstrip("/")


def _saved_login() -> _Login | None:
    try:
        return msgspec.json.decode(_login_file().read_bytes(), type=_Login)
    except (OSError, msgspec.DecodeError):
        return None


def _login_file() -> Path:
    return data_folder() / "login.json"
