"""What a masked cell enters: names become stand-ins, the cell runs, names are what they were, its output is let go."""

from __future__ import annotations

import asyncio
import builtins
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from functools import wraps
from types import CodeType
from typing import Any, NoReturn

from IPython.core.getipython import get_ipython
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from ...errors import Invalid, SecureCollabError
from ...frames import axes
from ...model import Level, clip
from ..display import Report, listed
from ..language import MASKED_CELL
from ..parse import HELP, parse
from ..plan_files import masks_of
from ..session import current
from .contents import column_frame
from .copies import Copies
from .following import check_name, is_special, names_of_cell, names_of_function
from .held import Held, withheld_for
from .rewriting import OPEN, READER, SHOW
from .standins import StandIns
from .watching import allowed, watching

_LATER = "Take it away, or let it end, and run this cell again."


class CellFailed(Exception):
    """A masked cell raised an error that must not be shown in its own words, or that IPython would show anew."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(lines[-1])
        self._lines = lines

    def _render_traceback_(self) -> list[str]:
        return self._lines


class MaskedCell:
    """The `with` statement around a masked cell. `line` is what stands behind `%%mask`."""

    def __init__(self, line: str) -> None:
        frame = sys._getframe(1)
        shell = get_ipython()
        if shell is None or frame.f_globals is not shell.user_ns:
            raise Invalid("a masked cell runs in a notebook's own namespace")
        self._shell, self._space, self._code, self._line = shell, shell.user_ns, frame.f_code, line
        self._held = Held(shell)
        self._stack = ExitStack()
        self._standing: dict[str, Any] = {}
        self._tools: dict[str, Any] = {}

    def __enter__(self) -> None:
        parsed = parse(self._line, MASKED_CELL, self._space)
        self._helps = parsed.has(HELP.name)
        if self._helps:
            return print(MASKED_CELL.help())
        masks = parsed.pairs("mask")
        given = parsed.one("up-to")
        session = current()
        up_to = session.client.me().default_up_to if given is None else Level.parse(given)
        self._copies = Copies(up_to, masks_of(parsed.one("plan"), masks), session)
        self._made = StandIns(self._space, self._copies)
        self._names = names_of_cell(self._code)
        _check_alone(self._shell, self._space)
        self._before = dict(self._space)
        try:
            self._made.learn(self._before.items())
            reached = self._reached()
        except SecureCollabError:
            raise
        except Exception as problem:  # its text may quote values
            step = f"What it uses raised {type(problem).__name__} while it was looked at: make it anew in the cell."
            raise Invalid("this cell could not be masked, and was not run", next_step=step) from None
        self._check_masks(masks)
        self._tools = {SHOW: self._held.result, READER: self._reader, OPEN: self._open}
        if "getattr" in reached and "getattr" not in self._space:
            self._tools["getattr"] = _getattr
        try:
            self._swap(reached)
        except BaseException:
            self._leave()
            raise

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, where: Any) -> None:
        if self._helps:
            return
        try:
            _draw(self._shell)
            lines = [] if problem is None else _rendered(self._shell, problem)
            stopped = _cancel_tasks(self._space)
        finally:
            assigned = self._leave()
        withheld = self._held.judge(self._copies.known)
        display(self._report(assigned, self._keep(), withheld, stopped))  # type: ignore[no-untyped-call]
        self._held.show()
        if problem is not None:
            self._raise(problem, lines)

    def _reached(self) -> set[str]:
        """Every name the cell can reach, also through functions of earlier cells; makes what stands for it."""
        waiting, reached = [*self._names.read, *self._names.bound], set[str]()
        for formatter in _formatters(self._shell, self._space):
            if self._follow("a formatter", formatter, waiting) is not formatter:
                raise Invalid("a formatter of an earlier cell holds something sensitive", next_step=_LATER)
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            if name in self._space:
                try:
                    self._standing[name] = self._follow(name, self._space[name], waiting)
                except Invalid:
                    if name not in self._names.bound:
                        raise
                    reached.discard(name)  # away until the cell gives it a value
        return reached

    def _follow(self, name: str, value: Any, waiting: list[str]) -> Any:
        """The stand-in of a value; names that functions in it read are put on the list."""
        made = self._made.of_variable(value, name)
        for code, function in self._made.new_functions():
            waiting += names_of_function(code, function).read
        return made

    def _check_masks(self, masks: dict[str, str]) -> None:
        """What `--mask` names has to be there, unless it may still be read in the cell."""
        unknown = [column for column in masks if column not in self._copies.used]
        if unknown and not {READER, OPEN} & self._names.tools:
            raise Invalid(
                f"nothing this cell uses has a column {clip(unknown[0])!r} above {self._copies.up_to}",
                next_step="Leave it out of --mask, or set the level of the column with %classify.",
            )

    def _swap(self, reached: set[str]) -> None:
        for context in (self._held.holding(), watching()):
            self._stack.enter_context(context)
        for name in [one for one in self._space if one not in reached and not is_special(one)]:
            del self._space[name]
        self._space.update({**self._standing, **self._tools})

    def _leave(self) -> list[str]:
        """Names and outputs as they were; the names that the cell assigned to and that keep what they held."""
        now = dict(self._space)
        own = {name for name, tool in self._tools.items() if now.get(name) is tool}
        masked = {name for name, made in self._standing.items() if made is not self._before[name]}
        deleted = self._names.bound & self._standing.keys() - masked - now.keys()
        kept = {name: one for name, one in now.items() if name not in own | masked}
        self._space.update({**{name: one for name, one in self._before.items() if name not in deleted}, **kept})
        for name in own - self._before.keys():
            self._space.pop(name, None)
        self._stack.close()
        return sorted(name for name in masked if now.get(name) is not self._standing[name])

    def _keep(self) -> list[str]:
        """Frames and columns the cell made are remembered as masked as far as they are; the new names of such."""
        bound = {name: self._space[name] for name in sorted(self._names.bound) if name in self._space}
        made = {name: value for name, value in bound.items() if self._before.get(name) is not value}
        for value in self._held.results:
            self._remember(value)
        return [name for name, value in made.items() if self._remember(value)]

    def _remember(self, value: Any) -> bool:
        frame = value if axes.is_frame(value) else column_frame(value, "")
        labels = {} if frame is None else self._copies.labels_of_copy(frame)
        if labels:
            current().memory.remember(value, labels, "what a masked cell made")
        return bool(labels)

    def _report(self, assigned: list[str], kept: list[str], withheld: list[str], stopped: int) -> Report:
        made = self._copies
        facts = [
            (name, ", ".join(f"{column} ({how})" for column, how in one.items())) for name, one in made.masked.items()
        ]
        if assigned:
            facts.append(("as before", f"{listed(assigned)}: what the cell assigned is gone, or give it another name"))
        if kept:
            facts.append(("kept", f"{listed(kept)}: made of masked copies"))
        facts += [("withheld", why) for why in withheld]
        if stopped:
            facts.append(("stopped", f"{stopped} tasks that had not ended with the cell"))
        if not made.masked:
            return Report(f"nothing this cell uses is above {made.up_to}: nothing was masked", tuple(facts))
        return Report(f"masked in this cell, up to {made.up_to}", tuple(facts))

    def _raise(self, problem: BaseException, lines: list[str]) -> None:
        """The error of the cell, shown as it was rendered while names were masked; another where it must not be."""
        why = withheld_for(self._copies.known, [*lines, "\n", str(problem)])
        if why:
            kind = type(problem).__name__
            _fail([f"{kind} in line {_line(problem, self._code)}. What it says is withheld: {why}."])
        if isinstance(problem, SyntaxError | BaseExceptionGroup):
            _fail(lines)
        if not hasattr(problem, "_render_traceback_"):
            BaseException.__setattr__(problem, "_render_traceback_", lambda: self._shown_later(problem, lines))

    def _shown_later(self, problem: BaseException, lines: list[str]) -> list[str]:
        """The traceback once more, with names masked: the cell's own frame says its line only when it has ended."""
        masked = {name: one for name, one in self._standing.items() if one is not self._before[name]}
        now = {name: self._space[name] for name in masked if name in self._space}
        self._space.update(masked)
        try:
            made = _rendered(self._shell, problem, anew=True)
        finally:
            for name in masked.keys() - now.keys():
                del self._space[name]
            self._space.update(now)
        return lines if withheld_for(self._copies.known, made) else made

    def _reader(self, function: Any) -> Any:
        """Whatever reads data, so that what it returns is masked."""
        if not callable(function):
            return function
        name = clip(getattr(function, "__name__", "what was read"))

        @wraps(function)
        def reading(*args: Any, **kwargs: Any) -> Any:
            with allowed():
                return self._arrived(function(*args, **kwargs), f"{name}()")

        return reading

    def _open(self, line: str) -> Any:
        """`%open` in a masked cell."""
        with allowed():
            return self._arrived(self._shell.run_line_magic("open", line), "%open")

    def _arrived(self, value: Any, name: str) -> Any:
        try:
            self._made.learn([(name, value)])
            return self._made.of(value, name)
        except Invalid:
            if callable(close := getattr(value, "close", None)):
                close()  # a reader that would have gone on
            raise


def _check_alone(shell: InteractiveShell, space: dict[str, Any]) -> None:
    """Raises `Invalid` while something of earlier cells runs, which would see masked copies, or shows things itself."""
    for thread in threading.enumerate():
        if _of_cells(getattr(thread, "_target", None), space):
            raise Invalid(f"the thread {clip(thread.name)!r} of an earlier cell is running", next_step=_LATER)
    if list(_tasks(space)):
        raise Invalid("a task of an earlier cell is running", next_step=_LATER)
    for event, callbacks in shell.events.callbacks.items():
        if any(_of_cells(one, space) for one in callbacks):
            raise Invalid(f"a function of an earlier cell runs at {event}, and may show anything", next_step=_LATER)


def _of_cells(function: Any, space: dict[str, Any]) -> bool:
    function = getattr(function, "func", function)  # of a partial
    function = getattr(function, "__func__", function)
    return getattr(function, "__globals__", None) is space


def _tasks(space: dict[str, Any]) -> Iterator[asyncio.Task[Any]]:
    """Tasks whose code is of cells, and that have not ended."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no loop is running
        return
    for task in tasks:
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and frame.f_globals is space and task is not asyncio.current_task():
            yield task


def _cancel_tasks(space: dict[str, Any]) -> int:
    tasks = list(_tasks(space))
    for task in tasks:
        task.cancel()
    return len(tasks)


def _formatters(shell: InteractiveShell, space: dict[str, Any]) -> Iterator[Any]:
    """Functions of earlier cells that show values."""
    display_formatter: Any = shell.display_formatter
    for formatter in display_formatter.formatters.values():
        for printers in (formatter.type_printers, formatter.deferred_printers, formatter.singleton_printers):
            yield from (one for one in printers.values() if _of_cells(one, space))


def _draw(shell: InteractiveShell) -> None:
    """Figures are drawn now: what draws them may look at names."""
    for callback in shell.events.callbacks["post_execute"]:
        if (getattr(callback, "__module__", None) or "").startswith("matplotlib_inline"):
            callback()


def _rendered(shell: InteractiveShell, problem: BaseException, *, anew: bool = False) -> list[str]:
    """The traceback as IPython shows it, made while names are masked: some of its modes print values."""
    try:
        if hasattr(problem, "_render_traceback_") and not anew:
            return list(problem._render_traceback_())
        if isinstance(problem, BaseExceptionGroup):
            return traceback.format_exception(problem)
        made: Any = shell.InteractiveTB
        return list(made.structured_traceback(type(problem), problem, problem.__traceback__, tb_offset=0))
    except Exception:
        return [f"{type(problem).__name__}: its traceback cannot be shown"]


def _fail(lines: list[str]) -> NoReturn:
    failed = CellFailed(lines)
    try:
        raise failed from None
    finally:
        failed.__context__ = None  # IPython looks there too


def _line(problem: BaseException, code: CodeType) -> int:
    """The last line of the cell that the error passed."""
    lines = [one.lineno for one in traceback.extract_tb(problem.__traceback__) if one.filename == code.co_filename]
    return lines[-1] or 0 if lines else 0


def _getattr(value: Any, name: str, *default: Any) -> Any:
    check_name(name, "getattr")
    return builtins.getattr(value, name, *default)
