"""Holds back what a cell shows until it has been searched: streams, displays, the result, the traceback.

The streams' own `write` is taken over, not `sys.stdout`: loggers keep the stream they were made with. Pieces are let
go in their order, after the names are what they were; of a piece that is withheld it is said which columns it tells of.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from .known import LARGEST, Known

_PRINTED = "printed text"


@dataclass
class _Piece:
    """One output: what to do to show it, the texts in it, and what it is called."""

    kind: str
    texts: list[str]
    show: Callable[[], None] = lambda: None


@dataclass
class Held:
    """What one cell has shown so far, kept back."""

    shell: InteractiveShell
    pieces: list[_Piece] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Within, nothing that is shown goes out."""
        publisher = self.shell.display_pub
        streams = (sys.stdout, sys.stderr)
        for stream in streams:
            stream.flush()
            _take(stream, self._write(stream))
        shell: Any = self.shell
        shell.display_pub = _Publisher(self)
        shell._showtraceback = self._shown_error  # what formatting raises is shown without being raised
        try:
            yield
        finally:
            del shell._showtraceback
            shell.display_pub = publisher
            for stream in streams:
                _give_back(stream)

    def result(self, value: Any) -> None:
        """The value of an expression, shown as IPython shows it; formatted now, while names are masked."""
        if value is None or self.shell.displayhook.quiet():  # type: ignore[no-untyped-call]
            return
        shell: Any = self.shell
        formatted, hook = shell.display_formatter.format(value), shell.displayhook

        def show() -> None:
            hook.compute_format_data = lambda result: formatted
            try:
                hook(value)
            finally:
                del hook.compute_format_data

        self.results.append(value)
        self.pieces.append(_Piece("a result", list(_texts(formatted[0])), show))

    def displayed(self, data: dict[str, Any], show: Callable[[Any], None]) -> None:
        """A display; `show` is given the publisher there then is."""
        self.pieces.append(_Piece("a display", list(_texts(data)), lambda: show(self.shell.display_pub)))

    def _shown_error(self, kind: Any, problem: Any, lines: list[str]) -> None:
        shell: Any = self.shell
        self.pieces.append(_Piece("an error", list(lines), lambda: shell._showtraceback(kind, problem, lines)))

    def judge(self, known: Known) -> list[str]:
        """Drop what holds a clear value; one line for each piece dropped, with the columns."""
        together = withheld_for(known, [text for one in self.pieces if one.kind == _PRINTED for text in one.texts])
        judged = [
            (one, withheld_for(known, one.texts) or (together if one.kind == _PRINTED else "")) for one in self.pieces
        ]
        self.pieces = [one for one, why in judged if not why]
        return list(dict.fromkeys(f"{one.kind} {why}" for one, why in judged if why))

    def show(self) -> None:
        """Let go of the rest."""
        for piece in self.pieces:
            piece.show()
        self.pieces.clear()

    def _write(self, stream: Any) -> Callable[[str], int]:
        def write(text: str) -> int:
            last = self.pieces[-1] if self.pieces else None
            if not isinstance(last, _Printed) or last.stream is not stream:
                last = _Printed(stream)
                self.pieces.append(last)
            last.texts.append(str(text))
            return len(text)

        return write


class _Printed(_Piece):
    """What was written to one stream without anything in between."""

    def __init__(self, stream: Any) -> None:
        super().__init__(_PRINTED, [])
        self.stream = stream
        self.show = lambda: stream.write("".join(self.texts))


class _Publisher(DisplayPublisher):
    """Stands in for the shell's publisher while a cell is held."""

    def __init__(self, held: Held) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # IPython has no types for it
        self._held = held

    def publish(self, data: Any, metadata: Any = None, source: Any = None, **kwargs: Any) -> None:
        """Keep a display, or the update of one."""
        self._held.displayed(data, lambda publisher: publisher.publish(data, metadata, **kwargs))

    def clear_output(self, wait: bool = False) -> None:
        """Keep a clearing in its place among the displays."""
        self._held.displayed({}, lambda publisher: publisher.clear_output(wait))


def withheld_for(known: Known, texts: list[str]) -> str:
    """Why these texts are withheld, in words; empty where they are not."""
    text = "".join(texts)
    if len(text) > LARGEST:
        return f"more than {LARGEST:,} characters, too many to be searched"
    columns = known.found_in(text)
    return f"holds a clear value of {', '.join(columns)}" if columns else ""


def _texts(data: Any) -> Iterator[str]:
    for kind, value in data.items():
        if isinstance(value, str) and not kind.startswith(("image/png", "image/jpeg", "application/pdf")):
            yield value + "\n"
        elif not isinstance(value, str | bytes):
            yield json.dumps(value, ensure_ascii=False, default=str) + "\n"


def _take(stream: Any, write: Callable[[str], int]) -> None:
    stream.write = write
    stream.writelines = lambda lines: [write(line) for line in lines] and None


def _give_back(stream: Any) -> None:
    del stream.write, stream.writelines
