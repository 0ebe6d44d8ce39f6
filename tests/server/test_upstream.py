"""What we work around in the libraries below us, one test for each: where one fails, the way around can go.

No class of ours is in use here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zmq
from jupyter_client.manager import start_new_kernel
from jupyter_client.session import Session
from jupyter_server.auth.identity import IdentityProvider
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from zmq.eventloop.zmqstream import ZMQStream

from jupyter_securecollab.server.recording.execution import OPEN_LIMIT


class Watching(ServerKernelManager):
    """Notes what is known when a kernel is about to start for the first time."""

    known: tuple[str | None, bool] | None = None

    async def _async_pre_start_kernel(self, **options):
        self.known = self.known or (self.kernel_id, "kernel_id" in options)
        return await super()._async_pre_start_kernel(**options)


async def test_kernels_and_the_server_that_listens_to_them(tmp_path: Path, monkeypatch) -> None:
    """`OwnedKernelManager.start_watching_activity` takes `_activity_stream`; `Broadcasts` calls who listens there, and
    relies on its refusing what the kernel did not sign; `SecureKernelManager` sets its id to make a token for it."""
    monkeypatch.setitem(sys.modules, "watching_kernels", SimpleNamespace(Watching=Watching))
    kernels = AsyncMappingKernelManager(kernel_manager_class="watching_kernels.Watching", root_dir=str(tmp_path))
    kernel: Any = kernels.get_kernel(await kernels.start_kernel())
    try:
        assert kernel.known == (None, True), "a kernel knows its id before its first start now"
        assert isinstance(kernel._activity_stream, ZMQStream)
        handed_out = [name for name in dir(kernel) if "activity" in name and not name.startswith("_")]
        assert handed_out == ["last_activity"], "perhaps there is a way now to the stream"
        hears = kernel._activity_stream._recv_callback
        forged = Session(key=b"another key").serialize(Session().msg("status", {"execution_state": "busy"}))
        with pytest.raises(ValueError, match=r"[Ss]ignature"):
            hears(forged)
        hears(kernel.session.serialize(kernel.session.msg("status", {"execution_state": "busy"})))
        assert kernel.execution_state == "busy"
    finally:
        await kernels.shutdown_all(now=True)


@pytest.mark.slow
def test_a_kernel_that_is_sent_thousands_of_cells_at_once_stops_answering() -> None:
    """ipykernel 7.4 with no server in between; so no more than `OPEN_LIMIT` are let through."""
    manager, client = start_new_kernel()
    try:
        for _ in range(OPEN_LIMIT):
            last = client.execute("1", silent=True)
        while client.get_shell_msg(timeout=60)["parent_header"]["msg_id"] != last:
            pass
        for _ in range(4000):
            last = client.execute("1", silent=True)
        with pytest.raises(queue.Empty):
            while client.get_shell_msg(timeout=10)["parent_header"]["msg_id"] != last:
                pass
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


async def test_a_stream_has_one_listener_and_does_not_say_which() -> None:
    """`Broadcasts.listen` takes `_recv_callback`, to call it in turn."""
    with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        push.connect(f"tcp://127.0.0.1:{pull.bind_to_random_port('tcp://127.0.0.1')}")
        heard: list[str] = []
        second = asyncio.Event()
        stream = ZMQStream(pull)
        stream.on_recv(lambda _: heard.append("first"))
        stream.on_recv(lambda _: (heard.append("second"), second.set()))
        assert not [name for name in dir(stream) if "recv_callback" in name and not name.startswith("_")]
        push.send(b"message")
        await asyncio.wait_for(second.wait(), 10)
        assert heard == ["second"], "a stream has several listeners now: add one"
        stream.close()


def test_folders_of_configuration_say_which_extensions_are_on_and_nothing_else(tmp_path: Path, monkeypatch) -> None:
    """So a package cannot bring its classes by configuration, and `wiring.install` puts them in."""
    folder = tmp_path / "jupyter_server_config.d"
    folder.mkdir()
    chosen = {"jpserver_extensions": {"chosen": True}, "kernel_websocket_connection_class": "chosen.Connection"}
    (folder / "chosen.json").write_text(json.dumps({"ServerApp": chosen}))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    app = ServerApp()
    app.load_config_file(suppress_errors=False)
    app.find_server_extensions()
    assert app.jpserver_extensions.get("chosen") is True
    assert "kernel_websocket_connection_class" not in app.config.ServerApp


def test_who_comes_with_the_shared_token_is_somebody_else_each_time() -> None:
    """`People.person_of` takes the operating system's user on a server without accounts."""
    request = SimpleNamespace(log=logging.getLogger("test"))
    names = {IdentityProvider().generate_anonymous_user(request).username for _ in range(3)}
    assert len(names) == 3
