"""Masked stand-ins for whatever a cell can reach; the objects themselves are never changed.

What holds nothing sensitive stands for itself, so that what the cell does to it lasts. Frames are masked by their
labels; what has none, a column, a list, a text, by what it seems to be and by whether its values are known to stand in
a sensitive column. What cannot be looked into is refused by the name it is reached by.
"""

from __future__ import annotations

import functools
import types
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

from ...errors import Invalid
from ...frames import axes
from ...model import clip
from .contents import attributes, closure, column_frame, frames_in, from_cell, parts
from .copies import Copies
from .following import check_builtin, check_module, words
from .known import SHORTEST, form

_ATOMS = (int, float, complex, bool, type(None), range, type(...), type(NotImplemented))
_PLAIN_MODULES = words(
    "dataclasses datetime dateutil decimal enum fractions logging pathlib pytz random re types typing uuid zoneinfo"
)
_PLAIN_KINDS = words("""
    DataType DateOffset Expr ExtensionDtype Field Grouper Interval NAType NaTType Period Scalar Schema Selector
    Timedelta Timestamp dtype generic
""")
_HOLDING = (b"\xa6Series", b"\xa4List", b"\xb1AnonymousFunction")
"""What polars writes before a column, list or function that is part of an expression."""

_DEEPEST = 60
_ONE_VALUE = 200
_CELL = "Make it anew in this cell, or put what needs it into a cell without %%mask."


@dataclass
class StandIns:
    """Makes stand-ins, each object's once. `space` is the namespace of the notebook."""

    space: Mapping[str, Any]
    copies: Copies
    _made: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    _under_way: set[int] = field(default_factory=set)
    _within_itself: set[int] = field(default_factory=set)
    _functions: list[tuple[CodeType, str]] = field(default_factory=list)
    _asked: int = 0

    def learn(self, values: Iterable[tuple[str, Any]]) -> None:
        """Know the sensitive values of every frame and column these hold."""
        for name, frame in frames_in(iter(values), self.space):
            try:
                self.copies.learn(frame)
            except Invalid as problem:
                raise _about(name, problem) from None

    def of_variable(self, value: Any, name: str) -> Any:
        """What stands for the value of a variable: a text by itself may look sensitive too."""
        if isinstance(value, str) and SHORTEST <= len(value) <= _ONE_VALUE:
            masked = self._series([value, None], name)
            if masked is not None and masked[0] != value:
                return masked[0]
        return self.of(value, name)

    def of(self, value: Any, name: str) -> Any:
        """What stands for a value that is reached by this name. Raises `Invalid` where it cannot be masked."""
        if isinstance(value, str):
            return self._text(value, name)
        if isinstance(value, _ATOMS):
            return None if self.copies.known.source_of_any([value]) else value
        key = id(value)
        if key in self._made:
            return self._made[key][1]
        if key in self._under_way:
            self._within_itself.add(key)
            return value
        if len(self._under_way) > _DEEPEST:
            raise _refusal(name, "is nested too deeply to be masked")
        self._under_way.add(key)
        try:
            made = self._made_for(value, name)
        finally:
            self._under_way.discard(key)
        if made is not value and key in self._within_itself:
            raise _refusal(name, "holds itself, and something sensitive")
        self._made[key] = (value, made)
        return made

    def new_functions(self) -> list[tuple[CodeType, str]]:
        """Functions of cells that were met since this was asked last."""
        found = self._functions[self._asked :]
        self._asked = len(self._functions)
        return found

    def _made_for(self, value: Any, name: str) -> Any:
        if axes.is_frame(value):
            return self._alone(self._frame(value, name), name)
        frame = column_frame(value, name)
        if frame is not None:
            return self._alone(self._column(value, frame, name), name)
        for kinds, make in self._ways():
            if isinstance(value, kinds):
                return make(value, name)
        if from_cell(type(value)) or isinstance(value, types.SimpleNamespace):
            return self._instance(value, name)
        if _plain(value):
            return self._single(value, name)
        if _is_block(value):
            if self.copies.known.source_of_any(set(value.ravel().tolist())):
                raise _refusal(name, "holds sensitive values in a block of more than two dimensions")
            return value
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise _refusal(name, f"holds an object of type {clip(kind)}, which cannot be masked")

    def _ways(self) -> tuple[tuple[Any, Callable[[Any, str], Any]], ...]:
        return (
            (dict, self._mapping),
            ((list, tuple, set, frozenset, deque), self._several),
            ((bytes, bytearray), self._bytes),
            (types.ModuleType, _module),
            (type, self._class),
            (types.FunctionType, self._function),
            (types.MethodType, self._method),
            (functools.partial, self._partial),
            ((types.BuiltinFunctionType, types.MethodWrapperType), self._builtin),
        )

    def _frame(self, frame: Any, name: str) -> Any:
        try:
            return self.copies.copy(frame, name)
        except Invalid as problem:
            raise _about(name, problem) from None

    def _alone(self, made: Any, name: str) -> Any:
        """A frame or column, if nothing sensitive is said beside its values."""
        if any(self.of(one, name) is not one for one in _said_beside(made)):
            raise _refusal(name, "says something sensitive in its attrs, metadata or the name of its columns")
        return made

    def _single(self, value: Any, name: str) -> Any:
        """What is one value, or describes some, and shows what it holds."""
        if form(value) and self.copies.known.source_of_any([value]):
            return None
        kinds = {kind.__name__ for kind in type(value).__mro__}
        if "void" in kinds or ("Scalar" in kinds and hasattr(value, "as_py")):
            inner = value.item() if "void" in kinds else value.as_py()
            made = self.of_variable(inner, name)
            return value if made is inner else made
        words = value.categories if not kinds.isdisjoint({"CategoricalDtype", "Enum"}) else None
        shown = _expression(value) if "Expr" in kinds else f"{value!r} {getattr(value, 'metadata', '')}"
        if self.of(words, name) is not words or shown is None or self.copies.known.found_in(shown):
            raise _refusal(name, "holds something sensitive, or what cannot be looked into")
        return value

    def _column(self, value: Any, frame: Any, name: str) -> Any:
        """A column, index or array through the frame of it."""
        self.copies.keep(value, frame)
        masked = self._frame(frame, name)
        if masked is frame:
            return value
        if not axes.column_names(masked):
            raise _refusal(name, "would be left out altogether")
        if type(value).__module__.startswith("numpy"):
            made = masked.to_numpy(dtype=object if value.dtype.kind in "SU" else None)
            return made[:, 0] if value.ndim == 1 else made
        kinds = {kind.__name__ for kind in type(value).__mro__}
        if "MultiIndex" in kinds:
            return type(value).from_frame(masked, names=value.names)
        first = axes.values(masked, axes.column_names(masked)[0])
        if "Index" in kinds:
            import pandas as pd

            return pd.Index(first, name=value.name)
        if "ExtensionArray" in kinds:
            return first.array
        if hasattr(first, "rename") and hasattr(value, "name"):
            return first.rename(value.name)
        return first.combine_chunks() if "Array" in kinds else first

    def _text(self, value: str, name: str) -> str:
        if self.copies.known.found_in(value):
            self.copies.masked.setdefault(name, {})[name] = "redact"
            return "[masked]"
        return value

    def _bytes(self, value: Any, name: str) -> Any:
        return (
            type(value)(b"[masked]") if self.copies.known.found_in(bytes(value).decode("utf-8", "replace")) else value
        )

    def _mapping(self, value: dict[Any, Any], name: str) -> Any:
        if value is self.space:
            raise _refusal(name, "is the notebook's namespace")
        columns = self._series([*dict.keys(value)], name)
        made = {}
        for number, (key, old) in enumerate(dict.items(value)):
            new_key = self.of(key, name) if columns is None else columns[number]
            if new_key is not key and new_key in made:
                new_key = f"{new_key} {number}"
            try:
                made[new_key] = self.of(old, key if isinstance(key, str) and new_key is key else name)
            except Invalid:
                if value is not self.space.get("_oh"):
                    raise  # of earlier results what cannot be masked is left out
        same = all(a is c and b is d for (a, b), (c, d) in zip(dict.items(value), made.items(), strict=False))
        if same and len(made) == len(value):
            return value
        if isinstance(value, defaultdict):
            return defaultdict(self.of(value.default_factory, name), made)
        return made if type(value) is dict else _alike(value, made, name)

    def _several(self, value: Any, name: str) -> Any:
        columns = self._series(list(value), name)
        made = [self.of(one, name) for one in value] if columns is None else columns
        if all(a is b for a, b in zip(value, made, strict=True)):
            return value
        if isinstance(value, tuple) and hasattr(type(value), "_fields"):
            return type(value)(*made)
        return type(value)(made) if type(value) in (list, tuple, set, frozenset, deque) else _alike(value, made, name)

    def _series(self, values: list[Any], name: str) -> list[Any] | None:
        """Texts, numbers and dates, several of them, as the column they may be; None for anything else."""
        kinds = set(map(type, values)) - {type(None)}
        if len(values) < 2 or not kinds or not all(kind in (str, int, float) or _dates(kind) for kind in kinds):
            return None
        import pandas as pd

        frame = pd.DataFrame({name: pd.Series(values, dtype=object)})
        masked = self._frame(frame, name)
        return values if masked is frame else _listed(masked, len(values))

    def _class(self, value: type, name: str) -> type:
        if not from_cell(value):
            if value.__module__ not in ("builtins", "__main__"):
                check_module(value.__module__, name)
            return value
        for attribute, one in vars(value).items():
            inner = getattr(one, "__func__", None) or getattr(one, "fget", None) or getattr(one, "func", None) or one
            if attribute.startswith("__") and not isinstance(inner, types.FunctionType):
                continue
            if isinstance(inner, types.MemberDescriptorType | types.GetSetDescriptorType | property):
                continue
            if self.of(inner, f"{name}.{attribute}") is not inner:
                raise _refusal(f"{name}.{attribute}", "belongs to a class and holds something sensitive")
        return value

    def _instance(self, value: Any, name: str) -> Any:
        if from_cell(type(value)):
            self.of(type(value), type(value).__name__)
        held = attributes(value)
        made = {attribute: self.of(one, attribute) for attribute, one in held.items()}
        if all(made[attribute] is one for attribute, one in held.items()):
            return value
        if isinstance(value, dict | list | tuple | set | str):
            raise _refusal(name, "is a container of its own kind and holds something sensitive")
        if isinstance(value, types.SimpleNamespace):
            return type(value)(**made)
        copy = object.__new__(type(value))
        for attribute, one in made.items():
            object.__setattr__(copy, attribute, one)
        return copy

    def _function(self, value: types.FunctionType, name: str) -> Any:
        if value.__globals__ is self.space:
            self._functions.append((value.__code__, value.__name__))
        else:
            check_module(str(value.__globals__.get("__name__", "")), name)
            if not self._of_cells(value):
                return value
        held = [*closure(value)]
        cells = [self.of(one, inner) for inner, one in held]
        defaults = self.of(value.__defaults__, name)
        keywords = self.of(value.__kwdefaults__, name)
        extra = self.of(value.__dict__, name)
        same = all(made is one for made, (_, one) in zip(cells, held, strict=True))
        if same and defaults is value.__defaults__ and keywords is value.__kwdefaults__ and extra is value.__dict__:
            return value
        if len(held) != len(value.__closure__ or ()):
            raise _refusal(name, "is not complete yet")
        closed = tuple(map(types.CellType, cells)) or None
        copy = types.FunctionType(value.__code__, value.__globals__, value.__name__, defaults, closed)
        copy.__kwdefaults__, copy.__qualname__, copy.__module__ = keywords, value.__qualname__, value.__module__
        copy.__dict__.update(extra)
        return copy

    def _of_cells(self, function: types.FunctionType) -> bool:
        """Whether a library's function holds data or a function of a cell, as what decorators return does."""
        held = [one for _, one in parts(function)]
        ours = any(getattr(one, "__globals__", None) is self.space for one in held)
        return ours or any(True for _ in frames_in(iter([("", held)]), self.space))

    def _method(self, value: types.MethodType, name: str) -> Any:
        owner, function = self.of(value.__self__, name), self.of(value.__func__, name)
        same = owner is value.__self__ and function is value.__func__
        return value if same else types.MethodType(function, owner)

    def _partial(self, value: functools.partial[Any], name: str) -> Any:
        function = self.of(value.func, name)
        arguments = [self.of(one, name) for one in value.args]
        keywords = {key: self.of(one, key) for key, one in value.keywords.items()}
        same = function is value.func and all(a is b for a, b in zip(arguments, value.args, strict=True))
        if same and all(keywords[key] is one for key, one in value.keywords.items()):
            return value
        return functools.partial(function, *arguments, **keywords)

    def _builtin(self, value: Any, name: str) -> Any:
        owner = getattr(value, "__self__", None)
        if owner is None or isinstance(owner, types.ModuleType):
            module = value.__module__ or getattr(owner, "__name__", "")
            if module != "builtins":
                check_module(module.lstrip("_"), name)
            check_builtin(value.__name__, name)
        elif self.of(owner, name) is not owner:
            raise _refusal(name, "is a method of something sensitive")
        return value


def _plain(value: Any) -> bool:
    """Whether this is a value of a kind that holds nothing but itself, or what draws random numbers and the like."""
    module = type(value).__module__
    library = module.partition(".")[0]
    if isinstance(value, slice):
        return True
    if library in ("pandas", "numpy", "polars", "pyarrow") and not module.startswith("numpy.random"):
        return not _PLAIN_KINDS.isdisjoint(kind.__name__ for kind in type(value).__mro__)
    return library in _PLAIN_MODULES or module.startswith("numpy.random")


def _said_beside(value: Any) -> list[Any]:
    """What a pandas object or an Arrow table says beside the values and names of its columns."""
    if hasattr(value, "iloc"):
        return [value.attrs, *(value.columns.names if axes.is_frame(value) else ())]
    if axes.is_frame(value) and type(value).__module__.startswith("pyarrow"):
        return [value.schema.metadata, *(field.metadata for field in value.schema)]
    return []


def _expression(value: Any) -> str | None:
    """An expression of polars as text; None where columns, lists or functions are part of it."""
    import polars as pl

    try:
        held = value.meta.serialize()
        return None if any(one in held for one in _HOLDING) else str(value.meta.serialize(format="json"))
    except (Exception, pl.exceptions.PanicException):
        return None


def _is_block(value: Any) -> bool:
    """Whether this is an array of numbers that is no column and no table."""
    return type(value).__name__ == "ndarray" and value.dtype.kind in "biufcm"


def _module(value: types.ModuleType, name: str) -> types.ModuleType:
    check_module(value.__name__, name)
    return value


def _dates(kind: type) -> bool:
    return kind.__module__ in ("datetime", "decimal") or kind.__name__ in ("Timestamp", "NaTType", "NAType")


def _refusal(name: str, what: str) -> Invalid:
    return Invalid(f"{clip(name)} {what}", next_step=_CELL)


def _about(name: str, problem: Invalid) -> Invalid:
    return type(problem)(f"{clip(name)}: {problem}", next_step=problem.next_step)


def _alike(value: Any, made: Any, name: str) -> Any:
    """A container of a kind of its own, if it is one of Python's."""
    if type(value).__module__ == "collections":
        return type(value)(made)
    raise _refusal(name, "is a container of its own kind and holds something sensitive")


def _listed(frame: Any, rows: int) -> list[Any]:
    """The values of a frame of one column; nothing where it was left out."""
    names = axes.column_names(frame)
    return frame.iloc[:, 0].tolist() if names else [None] * rows
