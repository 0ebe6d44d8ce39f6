"""Asks the person at the keyboard a yes-or-no question, where there is one."""

from __future__ import annotations

import sys

from IPython.core.getipython import get_ipython


def can_ask() -> bool:
    """Whether somebody can answer: nbconvert, papermill and scheduled runs have nobody."""
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is not None:
        return bool(kernel._allow_stdin)  # what the front end said along with the cell; `input` would raise without it
    return sys.stdin is not None and sys.stdin.isatty()


def agreed(question: str) -> bool:
    """True only for a typed yes; Enter means no."""
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
