"""Refuses, while a masked cell runs, what brings in or lets out data by itself: files read, processes, connections.

Python tells its audit hooks of these before they happen. A hook cannot be taken away again, so there is one, set when
the first masked cell runs, and it does nothing at other times and for other threads. What libraries open of their
own installation is let through. Native readers (Arrow, polars) tell nobody: `following` refuses them by name.
"""

from __future__ import annotations

import functools
import os
import site
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import Invalid
from ...model import clip

_REFUSED = {
    **dict.fromkeys(("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn"), "start a process"),
    **dict.fromkeys(("subprocess.Popen", "pty.spawn", "os.startfile"), "start a process"),
    **dict.fromkeys(("socket.connect", "socket.sendto", "socket.getaddrinfo", "urllib.Request"), "open a connection"),
    **dict.fromkeys(("sqlite3.connect", "shelve.open", "dbm.open"), "read a database"),
    **dict.fromkeys(("gc.get_objects", "gc.get_referrers", "gc.get_referents"), "look into the interpreter"),
    **dict.fromkeys(("sys.settrace", "sys.setprofile", "builtins.input", "ctypes.dlopen"), "look into the interpreter"),
}
_HARMLESS_PROGRAMS = frozenset({"fc-list", "lscpu", "uname"})  # what matplotlib, joblib and platform ask
_HARMLESS_FILES = frozenset({".mplstyle", ".ttf", ".otf", ".afm", ".so", ".py", ".pyc"})

_state: dict[str, int | None] = {"thread": None, "allowed": 0, "installed": 0}


@contextmanager
def watching() -> Iterator[None]:
    """Within, this thread is watched. Nothing else may be watched meanwhile."""
    if not _state["installed"]:
        sys.addaudithook(_hook)
        _state["installed"] = 1
    _state["thread"], _state["allowed"] = threading.get_ident(), 0
    try:
        yield
    finally:
        _state["thread"] = None


@contextmanager
def allowed() -> Iterator[None]:
    """Within, nothing is refused: what is read here is masked by whoever asked."""
    _state["allowed"] = (_state["allowed"] or 0) + 1
    try:
        yield
    finally:
        _state["allowed"] = (_state["allowed"] or 0) - 1


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    # An interpreter that ends has taken the state away.
    if not _state or _state["thread"] is None or _state["thread"] != threading.get_ident() or _state["allowed"]:
        return
    if event == "open":
        with allowed():  # paths are looked at on the way
            _check_file(*arguments[:3])
    elif event in _REFUSED and not _harmless(event, arguments):
        raise Invalid(f"a masked cell does not {_REFUSED[event]}", next_step="Do that in a cell before this one.")


def _check_file(path: object, mode: object = None, flags: object = 0) -> None:
    if not isinstance(path, str | bytes) or _writes(mode, flags):
        return
    full = Path(os.fsdecode(path)).resolve()
    if full.suffix in _HARMLESS_FILES or full.name == "matplotlibrc" or any(map(full.is_relative_to, _installed())):
        return
    raise Invalid(
        f"a masked cell does not read files, such as {clip(full.name)!r}",
        next_step="Read it with read_csv and the like in this cell, or in a cell before this one.",
    )


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return "r" not in mode and "+" not in mode
    return isinstance(flags, int) and bool(flags & os.O_WRONLY)


@functools.cache
def _installed() -> tuple[Path, ...]:
    """Where Python, its libraries, time zones and fonts are, and what matplotlib keeps of its own."""
    own = [Path.home() / one for one in (".cache/matplotlib", ".config/matplotlib", ".matplotlib")]
    libraries = [Path(one) for one in (*site.getsitepackages(), site.getusersitepackages())]
    system = map(Path, ("/usr/share", "/usr/lib", "/etc/fonts", "/sys", "/proc/cpuinfo", "/proc/meminfo", os.devnull))
    return tuple(one.resolve() for one in (*own, *libraries, *system, Path(os.__file__).parent))


def _harmless(event: str, arguments: tuple[object, ...]) -> bool:
    program = arguments[0] if event == "subprocess.Popen" and arguments else None
    return isinstance(program, str | bytes) and Path(os.fsdecode(program)).name in _HARMLESS_PROGRAMS
