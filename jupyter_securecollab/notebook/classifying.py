"""The classifier of this kernel, with the organisation's rules and plug-ins, and how what it finds is shown.

Rules are read from `securecollab_classify.yaml` in the first of Jupyter's configuration folders that has one, the
administrator's before the person's own; recognizers of plug-ins come through entry points. Both once per kernel.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_core.paths import ENV_CONFIG_PATH, SYSTEM_CONFIG_PATH, jupyter_config_path

from ..errors import Invalid
from ..frames.classify import Classifier
from ..frames.recognizers import Recognizer
from ..frames.scrub import text_recognizers
from ..frames.tags import parse_rules
from ..model import Label, Level, clip
from .display import Chip, Folded, Report, Shown, Table, columns_listed, counted

if TYPE_CHECKING:
    import pandas as pd

RULES = "securecollab_classify.yaml"
PLUGINS = "jupyter_securecollab.recognizers"
"""Entry points of this group are a `Recognizer`, several of them, or a function without arguments that gives those."""


@dataclass(frozen=True, repr=False)
class Classification(Shown):
    """The labels of a frame's columns."""

    labels: Mapping[str, Label]

    def to_frame(self) -> pd.DataFrame:
        """One row per column: `column, level, tag, confidence, evidence`; the tag is `none` where nothing was found."""
        import pandas as pd

        rows = [
            (name, one.level.value, one.tag or "none", one.confidence, one.evidence)
            for name, one in self.labels.items()
        ]
        return pd.DataFrame(rows, columns=["column", "level", "tag", "confidence", "evidence"])


def labels_report(
    labels: Mapping[str, Label],
    left: int,
    since: Mapping[str, str] = {},
    proposals: Iterable[str] = (),
    risk: str = "",
) -> Report:
    """A table of labels; `left` of them look sensitive and nobody has reviewed them.

    `since` says when what is remembered of a column was said; `proposals` are words of others that were not taken;
    `risk` says how far the frame's rows can be told apart. Columns in which nothing was found are listed by themselves.
    """
    found = {name: one for name, one in labels.items() if _says_something(one)}
    rows = tuple(
        (
            name,
            Chip(one.level),
            one.tag or "–",
            f"{one.confidence:.2f}" if one.tag else "–",
            _evidence(one),
            f"{one.confirmed_by}{since.get(name, '')}" if one.confirmed_by else "not reviewed",
        )
        for name, one in found.items()
    )
    tables = [Table(("column", "level", "tag", "confidence", "evidence", "reviewed by"), rows)] if rows else []
    rest = [name for name in labels if name not in found]
    if rest:
        caption = f"nothing found, internal, not reviewed: {columns_listed(rest)}"
        tables.append(Table(("column",), tuple((name,) for name in rest[:_LISTED]), caption, folded=True))
    facts = [("not taken over", one) for one in proposals] + ([("risk", risk)] if risk else [])
    if not left:
        return Report(counted(len(labels), "column"), tuple(facts), tuple(tables))
    step = "%classify X --accept keeps these levels, %classify X --set COLUMN=LEVEL changes one."
    title = f"{counted(len(labels), 'column')}, {left} of which may be sensitive, reviewed by nobody"
    return Report(title, tuple(facts), tuple(tables), step)


_LISTED = 1_000


def _says_something(label: Label) -> bool:
    return bool(label.tag or label.confirmed_by or label.level != Level.INTERNAL)


def _evidence(label: Label) -> Folded:
    brief, _, more = label.evidence.partition("; ")
    return Folded(brief or "–", more)


@functools.cache
def classifier() -> Classifier:
    """The classifier of this kernel. Raises `Invalid` when the organisation's rules do not fit."""
    folders = (*SYSTEM_CONFIG_PATH, *ENV_CONFIG_PATH, *jupyter_config_path())
    found = next((path for folder in folders if (path := Path(folder) / RULES).is_file()), None)
    rules = parse_rules(found.read_bytes() if found else {"version": 1})
    return Classifier(rules, _plugged_in(), functools.partial(text_recognizers, rules.text_recognizers))


def _plugged_in() -> tuple[Recognizer, ...]:
    found: list[Recognizer] = []
    for entry in entry_points(group=PLUGINS):
        given = entry.load()
        given = given() if callable(given) else given
        several = tuple(given) if isinstance(given, Iterable) else (given,)
        if not all(isinstance(one, Recognizer) for one in several):
            step = "It has to give recognizers: see docs/guide/classify.md. Or uninstall it."
            raise Invalid(f"the plug-in {clip(entry.name)!r} brings something else than recognizers", next_step=step)
        found += several
    return tuple(found)
