"""What an object of a notebook holds, one step down: the way to frames inside containers, closures and instances.

Nothing of an object is run: no properties, no iteration protocols of other people's classes.
"""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from ...frames import axes

MOST = 100_000
"""Objects that are looked at in search of frames."""


def frames_in(values: Iterator[tuple[str, Any]], space: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Frames, and columns by themselves as frames of one column, that are held by values; with a name for each."""
    seen: dict[int, Any] = {}
    waiting = deque(values)
    while waiting and len(seen) < MOST:
        name, value = waiting.popleft()
        if id(value) in seen or isinstance(value, str | bytes | int | float | type(None)):
            continue
        seen[id(value)] = value
        if axes.is_frame(value):
            yield name, value
        elif (alone := column_frame(value, name)) is not None:
            yield name, alone
        elif value is not space:
            waiting.extend((inner or name, one) for inner, one in parts(value))


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container, function or instance holds, each with a name where it has one."""
    if isinstance(value, dict):
        yield from ((key if isinstance(key, str) else "", one) for key, one in dict.items(value))
    elif isinstance(value, list | tuple | set | frozenset | deque):
        yield from (("", one) for one in value if not isinstance(one, str | int | float))
    elif isinstance(value, types.FunctionType):
        yield from closure(value)
        yield from (("", one) for one in (*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()))
        yield from value.__dict__.items()
    elif isinstance(value, types.MethodType):
        yield "", value.__self__
    elif isinstance(value, functools.partial):
        yield from (("", one) for one in (value.func, *value.args, *value.keywords.values()))
    elif from_cell(type(value)) or isinstance(value, types.SimpleNamespace):
        yield from attributes(value).items()
    elif isinstance(value, type) and from_cell(value):
        yield from vars(value).items()


def closure(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """The variables of outer functions that a function uses, as far as they have a value."""
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue


def from_cell(kind: type) -> bool:
    """Whether a class was defined in a cell."""
    return kind.__module__ == "__main__" and isinstance(kind, type)


def attributes(value: Any) -> dict[str, Any]:
    """The attributes of an instance, those in slots too."""
    found = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            descriptor = vars(kind).get(name)
            if isinstance(descriptor, types.MemberDescriptorType):
                try:
                    found[name] = descriptor.__get__(value)
                except AttributeError:
                    continue
    return found


def column_frame(value: Any, name: str) -> Any:
    """A column, index or array as a frame, its columns named after it or the variable; None for anything else."""
    library, _, _ = type(value).__module__.partition(".")
    kinds = {kind.__name__ for kind in type(value).__mro__}
    if library not in ("pandas", "polars", "pyarrow", "numpy") and not kinds & {"Series", "ndarray"}:
        return None
    own = getattr(value, "name", None)
    called = str(own) if isinstance(own, str | int) else name or "value"
    if "MultiIndex" in kinds:
        return value.to_frame(index=False, name=list(_level_names(value, called)))
    if "Index" in kinds:
        return value.to_frame(index=False, name=called)
    if "Series" in kinds:
        return value.to_frame(called)
    if library == "pyarrow" and kinds & {"Array", "ChunkedArray"}:
        import pyarrow as pa

        return pa.table({called: value})
    if "ndarray" in kinds and value.dtype.kind in "OSUTifubM" and value.ndim in (1, 2):
        return _of_array(value, called)
    return _of_array(value, called) if "ExtensionArray" in kinds else None


def _of_array(value: Any, called: str) -> Any:
    import pandas as pd

    if value.ndim == 1:
        return pd.DataFrame({called: value})
    return pd.DataFrame(value, columns=[f"{called} {number}" for number in range(value.shape[1])])


def _level_names(index: Any, called: str) -> Iterator[str]:
    for number, name in enumerate(index.names):
        yield f"{called} {number}" if name is None else str(name)
