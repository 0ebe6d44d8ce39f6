"""A progress bar for what takes longer than a second: readable in every front end and in none.

On standard output, because front ends paint standard error red, and a bar that has gone leaves an empty line behind.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

_PATIENCE = 1.0


@contextmanager
def progress(doing: str) -> Iterator[Callable[[int, int], None]]:
    """Gives a function to call with bytes done and bytes in all; any thread may call it."""
    with tqdm(desc=doing, unit="B", unit_scale=True, delay=_PATIENCE, leave=False, file=sys.stdout) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report
