"""Has a model file parsed by a process that can do nothing else, before this one does.

The parsers of XGBoost, LightGBM and ONNX are compiled code that was not written for hostile files. So a file is first
read in a process of its own: an isolated interpreter without our environment (and so without tokens), which after its
imports may open no file or socket, start nothing, write nothing, and use only so much time and memory. It checks the
structure, then has the library load the file and use it once. What it cannot vouch for is never loaded here. Nothing
but a verdict comes back.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from ..errors import CannotHold, SealBroken

FORMATS = {"xgboost": "xgboost_file", "lightgbm": "lightgbm_file", "onnx": "onnx_file"}
"""Formats that are vetted, and the module here that knows each of them."""

_SOUND = "sound"
_SECONDS = 30
_BYTES_A_SECOND = 2**20
_MEMORY = 2**30
_TIMES_ITS_SIZE = 16

# Libraries may be found through the first; the rest keep numerical libraries from starting threads.
_KEPT = ("LD_LIBRARY_PATH",)
_QUIET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"), "1")
_START = "import sys; sys.path[:] = sys.argv[3:]; from jupyter_securecollab.sealed import confined; confined.child()"


class Format(Protocol):
    """What a module of `FORMATS` offers. `NEEDS` are the modules that `check` and `use` import."""

    NEEDS: tuple[str, ...]

    def check(self, data: bytes) -> None:
        """Refuse what is not a well-formed model, by reading it ourselves."""

    def use(self, data: bytes) -> None:
        """Have the library load it, and use it where that is possible."""


def vet(kind: str, data: bytes) -> None:
    """Raise `SealBroken` unless these bytes are a sound model of this kind. The reason is one of our own sentences.

    Raises `CannotHold` where the system has no limits for processes: there, no such model is opened.
    """
    if os.name != "posix":
        raise CannotHold(
            f"models of {kind} are checked in a process with limits, which this system does not have",
            next_step="Use Linux or macOS for it, or share its parameters as arrays.",
        )
    verdict = _asked(kind, data)
    if verdict != _SOUND:
        raise SealBroken(verdict) if verdict else SealBroken()


def child() -> None:
    """The other side: reads the file from standard input and writes its verdict."""
    kind, size = sys.argv[1], int(sys.argv[2])
    known = cast(Format, import_module(f"{__package__}.{FORMATS[kind]}"))
    for needed in known.NEEDS:
        import_module(needed)
    data = sys.stdin.buffer.read(size)
    confine(len(data))
    print(_verdict(known, data), end="", flush=True)
    os._exit(0)  # no library's clean-up is of interest


def confine(size: int) -> None:
    """Give up, for good, whatever reading `size` bytes does not need."""
    import resource

    limits = {
        resource.RLIMIT_CPU: _seconds(size),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 3,
    }
    if sys.platform == "linux":  # elsewhere a process cannot be kept to an address space smaller than it has
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + _MEMORY + _TIMES_ITS_SIZE * size
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))


def environment() -> dict[str, str]:
    """All that the other process knows of ours."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | _QUIET


def places() -> list[str]:
    """Where it finds modules: where we do, but for folders that depend on where we are."""
    return [place for place in sys.path if Path(place).is_absolute()]


def _asked(kind: str, data: bytes) -> str:
    """What the other process says; nothing where it ended otherwise than by saying something."""
    command = [sys.executable, "-I", "-X", "utf8", "-c", _START, kind, str(len(data)), *places()]
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter, and nothing that anybody typed
            command, input=data, capture_output=True, env=environment(), cwd="/", timeout=3 * _seconds(len(data))
        )
    except (subprocess.TimeoutExpired, BrokenPipeError):
        return ""
    said = done.stdout[:200].decode("utf-8", "replace")
    return said if done.returncode == 0 else ""


def _verdict(known: Format, data: bytes) -> str:
    steps: tuple[Callable[[bytes], None], ...] = (known.check, known.use)
    try:
        for step in steps:
            step(data)
    except SealBroken as refusal:
        return str(refusal)
    except Exception:  # whatever a parser stumbles over
        return ""
    return _SOUND


def _seconds(size: int) -> int:
    return _SECONDS + size // _BYTES_A_SECOND
