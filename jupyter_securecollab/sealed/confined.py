"""Has a model file parsed by a process that can do nothing else, before this one does.

The parsers of XGBoost, LightGBM and ONNX are compiled code that was not written for hostile files. So a file is first
read in a process of its own: an isolated interpreter without our environment (and so without tokens), which after its
imports may open no file or socket, start nothing, write nothing, and use only so much time and memory. It checks the
structure, then has the library load the file and use it once. What it cannot vouch for is never loaded here. Nothing
but a verdict comes back: one of a few words, whatever happened there.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from importlib import import_module
from pathlib import Path
from threading import Timer
from typing import Protocol, cast

from ..errors import CannotHold, SealBroken
from . import syscalls

FORMATS = {"xgboost": "xgboost_file", "lightgbm": "lightgbm_file", "onnx": "onnx_file"}
"""Formats that are vetted, and the module here that knows each of them."""

_SOUND = "sound"
_LONGEST = 64
_SECONDS = 30
_BYTES_A_SECOND = 2**20
_MEMORY = 2**30
_TIMES_ITS_SIZE = 16

# Libraries may be found through the first; the rest keep numerical libraries from starting threads.
_KEPT = ("LD_LIBRARY_PATH",)
_QUIET = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"), "1")
_START = "import sys; sys.path[:] = sys.argv[3:]; from jupyter_securecollab.sealed import confined; confined.child()"


class Why(Enum):
    """Every reason that is told; what the other process says is only which."""

    FILES = "this model keeps tensors in other files; load it with them first, with onnx.load(path)"
    KINDS = "this model holds sparse tensors, training steps or opaque types, which are not opened"
    OPERATORS = "this model uses operators that are not ONNX's own"
    OBJECTIVE = "this booster has an objective that is not its library's own"
    PATHS = "this booster names files or machines among its parameters; masking it takes them out"
    VECTORS = "this booster has trees whose leaves are vectors, which are not opened"


class Refused(SealBroken):
    """A model file is sound as far as it was read, but not one that is opened."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


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
    if verdict in Why.__members__:
        raise Refused(Why[verdict])
    if verdict != _SOUND:
        raise SealBroken()


def child() -> None:
    """The other side: reads the file from standard input and writes its verdict."""
    kind, size = sys.argv[1], int(sys.argv[2])
    answer = _quiet()
    known = cast(Format, import_module(f"{__package__}.{FORMATS[kind]}"))
    for needed in known.NEEDS:
        import_module(needed)
    data = sys.stdin.buffer.read(size)
    confine(len(data))
    os.write(answer, _verdict(known, data).encode())
    os._exit(0)  # no library's clean-up is of interest


def _quiet() -> int:
    """Where to answer; whatever libraries print goes nowhere."""
    answer, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return answer


def confine(size: int) -> None:
    """Give up, for good, whatever reading `size` bytes does not need."""
    import resource

    limits = {
        resource.RLIMIT_CPU: _seconds(size),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 0,
    }
    if sys.platform == "linux":  # elsewhere a process cannot be kept to an address space smaller than it has
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + _MEMORY + _TIMES_ITS_SIZE * size
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    syscalls.give_up()  # where the system cannot, the limits are what there is


def environment() -> dict[str, str]:
    """All that the other process knows of ours."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ} | _QUIET


def places() -> list[str]:
    """Where it finds modules: where we do, but for folders that depend on where we are."""
    return [place for place in sys.path if Path(place).is_absolute()]


def _asked(kind: str, data: bytes) -> str:
    """What the other process says; nothing where it ended otherwise than by saying something."""
    command = [sys.executable, "-I", "-X", "utf8", "-c", _START, kind, str(len(data)), *places()]
    with subprocess.Popen(  # noqa: S603  # this interpreter, and nothing that anybody typed
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(), cwd="/"
    ) as process:
        last = Timer(3 * _seconds(len(data)), process.kill)
        last.start()
        try:
            with suppress(BrokenPipeError):  # it ended before it had read everything
                _written(process, data)
            return _said(process) if process.wait() == 0 else ""
        finally:
            last.cancel()
            process.kill()


def _written(process: subprocess.Popen[bytes], data: bytes) -> None:
    if process.stdin is not None:
        with process.stdin as pipe:
            pipe.write(data)


def _said(process: subprocess.Popen[bytes]) -> str:
    """What it left in the pipe, as far as it can be a verdict; nothing is waited for."""
    if process.stdout is None:
        return ""
    os.set_blocking(process.stdout.fileno(), False)
    with suppress(BlockingIOError):
        return os.read(process.stdout.fileno(), _LONGEST).decode("ascii", "replace")
    return ""


def _verdict(known: Format, data: bytes) -> str:
    steps: tuple[Callable[[bytes], None], ...] = (known.check, known.use)
    try:
        for step in steps:
            step(data)
    except Refused as refusal:
        return refusal.why.name
    except Exception:  # whatever a parser stumbles over, and what we say no more of
        return ""
    return _SOUND


def _seconds(size: int) -> int:
    return _SECONDS + size // _BYTES_A_SECOND
