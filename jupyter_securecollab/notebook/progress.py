"""A progress bar for what takes longer than a second, on standard error: readable in every front end and in none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

_PATIENCE = 1.0


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Gives a function to call with bytes done and bytes in all; any thread may call it."""
    with tqdm(desc=doing, unit="B", unit_scale=True, delay=_PATIENCE, leave=False) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
