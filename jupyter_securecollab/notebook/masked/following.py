"""Reads compiled code without running it: which names it uses, and whether it leads around the masked copies.

What is allowed of modules is a list; of builtins and attributes what is refused is one. Bytecode and not source is
read, so functions are covered whose source is gone, however they were written.
"""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import Invalid
from ...model import clip
from .rewriting import OPEN, READER, READS, SHOW


def words(text: str) -> frozenset[str]:
    """The words of a table."""
    return frozenset(text.split())


MODULES = words("""
    IPython.core.display IPython.core.display_functions IPython.display IPython.lib.display

    __future__ abc altair array asyncio base64 bisect calendar cmath collections colorsys contextlib
    copy dataclasses datetime dateutil decimal enum fractions functools hashlib heapq html itertools json keyword
    logging math matplotlib mpl_toolkits narwhals numbers numpy pandas plotly polars pprint pyarrow pytz random re
    reprlib scipy seaborn sklearn statistics statsmodels string tabulate textwrap time tqdm typing typing_extensions
    unicodedata uuid warnings zoneinfo
""")
"""Modules a masked cell may use, with their submodules: they compute and draw."""

_BUILTINS = words("""
    __import__ breakpoint compile delattr eval exec exit globals help input license locals open quit vars
""")
_LEAD_OUT = words("""
    f_back f_builtins f_globals f_locals tb_frame tb_next gi_frame cr_frame ag_frame gi_code cr_code
    user_ns user_global_ns InteractiveShell get_ipython attrgetter methodcaller

    create_task ensure_future call_soon call_soon_threadsafe call_later call_at run_in_executor to_thread
    add_done_callback run_coroutine_threadsafe get_event_loop get_running_loop new_event_loop
    create_subprocess_exec create_subprocess_shell

    builtins ctypes ctypeslib gc importlib inspect multiprocessing os pathlib pickle shutil socket subprocess sys
    threading

    FileSystem HDFStore LocalFileSystem MemoryMappedFile NativeFile ORCFile OSFile ParquetDataset ParquetFile
    RecordBatchFileReader RecordBatchStreamReader SQLContext dataset deserialize foreign_buffer input_stream memory_map
    open_csv open_file open_input_file open_json open_stream sql
""")
"""Attributes that lead to frames and namespaces, to what runs on after the cell, to other modules, and to files of
which native readers tell no audit hook."""

_SPECIAL = words("""
    __add__ __annotate__ __annotate_func__ __annotations__ __annotations_cache__ __call__ __class__ __classdict__
    __conditional_annotations__ __contains__ __delattr__ __doc__ __enter__ __eq__ __exit__ __firstlineno__
    __format__ __ge__ __getitem__ __gt__ __hash__ __init__ __iter__ __le__ __len__ __lt__ __module__ __mul__
    __name__ __ne__ __next__ __post_init__ __qualname__ __repr__ __setattr__ __setitem__ __static_attributes__
    __str__ __sub__ __version__
""")
"""Names with two underscores that lead nowhere."""

_OURS = frozenset({SHOW, READER, OPEN})
_READ_NAMES = frozenset({"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"})
_BIND_NAMES = frozenset({"STORE_NAME", "DELETE_NAME"})
_BIND_GLOBALS = frozenset({"STORE_GLOBAL", "DELETE_GLOBAL"})
_ATTRIBUTES = frozenset({"LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "STORE_ATTR", "IMPORT_FROM"})
_NEXT = "Put what it is needed for into a cell of its own, without %%mask, before this one."


@dataclass
class Names:
    """Global names that code reads, those it binds or deletes, and what of ours a rewritten cell calls."""

    read: set[str] = field(default_factory=set)
    bound: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)


def names_of_cell(code: types.CodeType) -> Names:
    """The names of a rewritten cell. Raises `Invalid`, with the line, for what cannot be followed."""
    return _names(code, "", of_cell=True)


def names_of_function(code: types.CodeType, function: str) -> Names:
    """The names of a function of an earlier cell. Raises `Invalid`, with its name, for what cannot be followed."""
    return _names(code, f"{clip(function)}(), ", of_cell=False)


def check_module(module: str, where: str) -> None:
    """Raises `Invalid` unless masked cells may use a module of this name."""
    parts = module.split(".")
    if (module not in MODULES and parts[0] not in MODULES) or not _LEAD_OUT.isdisjoint(parts):
        step = "Give the values it makes a name in a cell before this one, and use that name here."
        raise Invalid(f"{where}: %%mask cannot follow what the module {clip(module)} does", next_step=step)


def is_special(name: str) -> bool:
    """Whether a name has two underscores on both sides; IPython's own `__` and `___` have no sides."""
    return name.startswith("__") and name.endswith("__") and name.strip("_") != ""


def check_builtin(name: str, where: str) -> None:
    """Raises `Invalid` for a function of Python's own that leads around the copies, whatever it is called here."""
    if name in _BUILTINS or name == "getattr":
        raise Invalid(f"{where}: {name} can reach what is not masked", next_step=_NEXT)


def check_name(name: str, where: str) -> None:
    """Raises `Invalid` for the name of an attribute that leads around the copies."""
    _check_attribute(name, where, of_cell=False)


def _names(code: types.CodeType, prefix: str, *, of_cell: bool) -> Names:
    found = Names()
    for part, depth in _parts(code, 0):
        top = of_cell and depth == 0
        for instruction in dis.get_instructions(part):
            name, kind = instruction.argval, instruction.opname
            line = instruction.positions.lineno if instruction.positions else None
            if top and line == 1:
                continue  # what `rewriting` wrote
            where = f"{prefix}line {line}"
            if kind in _READ_NAMES and name in _OURS:
                found.tools.add(name)
            elif kind in _READ_NAMES:
                _check_name(name, where, of_cell)
                found.read.add(name)
            elif kind in _BIND_GLOBALS or (kind in _BIND_NAMES and top):
                found.bound.add(name)
            elif kind in _ATTRIBUTES:
                _check_attribute(name, where, of_cell)
            elif kind == "IMPORT_NAME":
                check_module(name, where)
    return found


def _parts(code: types.CodeType, depth: int) -> Iterator[tuple[types.CodeType, int]]:
    yield code, depth
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _parts(constant, depth + 1)


def _check_name(name: str, where: str, of_cell: bool) -> None:
    if name == "get_ipython":
        raise Invalid(f"{where}: other magics and ! commands do not run in a masked cell", next_step=_NEXT)
    if name != "getattr":  # which is replaced by one that looks at the name
        check_builtin(name, where)
    _check_attribute(name, where, of_cell)


def _check_attribute(name: str, where: str, of_cell: bool) -> None:
    if (is_special(name) and name not in _SPECIAL) or name in _LEAD_OUT:
        raise Invalid(f"{where}: {clip(name)} can reach what is not masked", next_step=_NEXT)
    if name.startswith("scan_") or (READS.fullmatch(name) and not of_cell):
        step = "Call it in a cell before this one, or use read_csv and the like in this cell itself."
        raise Invalid(f"{where}: {clip(name)} reads data that would not be masked", next_step=step)
