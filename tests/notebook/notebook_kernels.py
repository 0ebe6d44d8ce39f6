"""Real kernels with our extension, each signed in to a running server as one person."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager


@dataclass(frozen=True)
class VaultServer:
    """A running server: its address and everybody's personal token."""

    url: str
    tokens: dict[str, str]
    home: Path

    def environment(self, person: str | None) -> dict[str, str]:
        """What a kernel of this person is started with; None is somebody without an account."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SECURECOLLAB_")}
        home = self.home / (person or "nobody")
        home.mkdir(exist_ok=True)
        own = {"HOME": str(home), "XDG_DATA_HOME": str(home), "IPYTHONDIR": str(home / "ipython")}
        signed_in = {"SECURECOLLAB_URL": self.url, "SECURECOLLAB_TOKEN": self.tokens[person]} if person else {}
        return kept | own | signed_in


@dataclass
class Ran:
    """What one cell did."""

    error: str = ""
    next_step: str = ""
    traceback: str = ""
    result: str = ""
    printed: str = ""
    shown: list[dict[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything a person without a front end reads."""
        return "\n".join(
            [self.printed, *(one.get("text/plain", "") for one in self.shown), self.result, self.traceback]
        )

    @property
    def html(self) -> str:
        """Everything a browser renders."""
        return "\n".join(one.get("text/html", "") for one in self.shown)


class Kernel:
    """A real ipykernel with our extension, as one person."""

    def __init__(self, server: VaultServer, person: str | None) -> None:
        self._manager = KernelManager(kernel_name="python3")
        arguments = ["--ext=jupyter_securecollab.notebook", "--HistoryManager.enabled=False"]
        self._manager.start_kernel(env=server.environment(person), extra_arguments=arguments, cwd=str(server.home))
        self.client: BlockingKernelClient = self._manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str, *, answer: str | None = None) -> Ran:
        """Run one cell; `answer` is typed when it asks, None means that nobody is there to type."""
        ran = Ran()

        def collect(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                ran.printed += content["text"]
            elif kind == "error":
                ran.error, ran.traceback = content["ename"], "\n".join(content["traceback"])
            elif kind in ("display_data", "execute_result"):
                ran.shown.append(content["data"])

        def typed(message: dict[str, Any]) -> None:
            ran.printed += message["content"]["prompt"]
            self.client.input(answer)

        self.client.execute_interactive(
            code, allow_stdin=answer is not None, output_hook=collect, stdin_hook=typed, timeout=120
        )
        return ran

    def ok(self, code: str, **how: Any) -> Ran:
        """Run one cell that has to work."""
        ran = self.run(code, **how)
        assert not ran.error, ran.traceback
        return ran

    def stop(self) -> None:
        """End the kernel."""
        self.client.stop_channels()
        self._manager.shutdown_kernel(now=True)
