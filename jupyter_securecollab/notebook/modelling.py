"""The verbs classify and mask for models: what a model carries along, and a copy of it that carries less.

Pseudonyms of labels come from keys of this kernel, as masked columns of `%mask` do: a column of the same name at the
same level gets the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython.display import display

from ..carried.find import Carried, find
from ..carried.masked import MaskedModel
from ..carried.masked import mask as mask_carried
from ..errors import Invalid
from ..frames.keyed import MaskKey
from ..model import Label, Level
from .classifying import Classification, classifier
from .display import Report, Table, counted, listed
from .plan import Plan, confirmed, plan
from .session import Session

if TYPE_CHECKING:
    import pandas as pd

BESIDE = ".labels"
"""What follows the name of a masked model in that of the frame which says what was renamed in it."""

_SHOWN = 3


@dataclass(frozen=True, repr=False)
class ModelClassification(Classification):
    """What a model carries along: a label for each place in it."""

    carried: tuple[Carried, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row per place: `attribute, holds, level, tag, confidence, evidence, stays`.

        `stays` says why masking cannot take it out, and is empty where it can.
        """
        import pandas as pd

        rows = [
            (one.where, one.holds, one.label.level.value, one.label.tag or "none", one.label.confidence,
             one.label.evidence, one.stays)
            for one in self.carried
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=["attribute", "holds", "level", "tag", "confidence", "evidence", "stays"])


@dataclass(frozen=True)
class ModelCopy:
    """A masked copy of a model: `model` is what predicts, `inputs` makes a frame what it takes.

    `columns` and `values` say how inputs are renamed, and `table` says it as a frame with the columns `of`, `value` and
    `known_as`. They hold what was masked: `%share` keeps the table in the vault at that level, beside the model.
    """

    masked: MaskedModel = field(repr=False)
    table: pd.DataFrame = field(repr=False)

    @property
    def model(self) -> Any:
        """The copy itself."""
        return self.masked.model

    @property
    def columns(self) -> Mapping[str, str]:
        """New names of features by the old ones."""
        return self.masked.columns

    @property
    def values(self) -> Mapping[str, Mapping[str, str]]:
        """Pseudonyms by the values they stand for, by feature; those of classes under no name."""
        return self.masked.values

    def inputs(self, frame: Any) -> Any:
        """A pandas frame as the copy takes it: columns and categories renamed."""
        return self.masked.inputs(frame)

    def outputs(self, labels: Any) -> list[Any]:
        """Labels the copy predicted, as the model itself would have called them."""
        return self.masked.outputs(labels)

    def __repr__(self) -> str:
        return f"masked copy of a {type(self.model).__name__}: .model, .inputs(frame), .outputs(labels)"


def classify_model(x: Any, decided: bool) -> ModelClassification:
    """What a model carries. Raises `Invalid` where levels are to be set: a model has one, given when it is shared."""
    if decided:
        raise Invalid("a model has one level, not one for each part", next_step="Give it when sharing: --level LEVEL.")
    found = tuple(find(x, classifier()))
    labels: dict[str, Label] = {}
    for one in found:  # texts and notes of one place are two findings: the higher one, which comes first, is its label
        labels.setdefault(one.where, one.label)
    return ModelClassification(_report(type(x).__name__, found), labels, found)


def mask_model(x: Any, up_to: Level, session: Session, *, preview: bool, unfit: bool) -> ModelCopy | Report:
    """A masked copy of a model, or with `preview` what it would be; what was done is shown."""
    if unfit:
        raise Invalid(
            "columns of a frame are masked by technique, models only up to a level", next_step="%mask X --up-to LEVEL"
        )
    made = mask_carried(x, up_to, classifier(), lambda level: MaskKey(session.mask_keys[level]))
    title = f"nothing was made; masked up to {up_to}, it would be" if preview else f"masked up to {up_to}"
    report = Report(title, _renamed(made), tuple(_tables(made)), _next_step(made, up_to))
    if preview:
        return report
    table = _renaming(made)
    session.memory.remember(table, dict.fromkeys(table.columns, _told(made)), "what a model carried")
    display(report)  # type: ignore[no-untyped-call]  # IPython has no types for it
    return ModelCopy(made, table)


def renaming_of(x: ModelCopy, by: str) -> Plan | None:
    """The table of a masked copy, to be kept at the level of what was masked, nothing of it below; None for no rows."""
    if not len(x.table):
        return None
    labels = confirmed(dict.fromkeys(x.table.columns, _told(x.masked)), by)
    return plan(x.table, labels, x.masked.level, {})


def _told(made: MaskedModel) -> Label:
    return Label(made.level, evidence="says what a masked model calls it")


def warning(x: Any, level: Level) -> tuple[tuple[str, str], ...]:
    """A fact to show with a model that is shared: what it carries above the level it gets."""
    above = [one for one in find(x, classifier()) if one.label.level > level]
    if not above:
        return ()
    rest = f" and {len(above) - _SHOWN} more" if len(above) > _SHOWN else ""
    told = "; ".join(map(str, above[:_SHOWN]))
    return (("careful", f"it carries {told}{rest}. %classify shows all, %mask takes out what can be"),)


def _report(kind: str, found: tuple[Carried, ...]) -> Report:
    rows = tuple(
        (one.where, one.holds, one.label.level.value, one.label.tag or "–", f"{one.label.confidence:.2f}",
         one.label.evidence or "–", f"no: {one.stays}" if one.stays else "yes")
        for one in found
    )  # fmt: skip
    header = ("attribute", "holds", "level", "tag", "confidence", "evidence", "can be masked")
    above = [one for one in found if one.label.level > Level.INTERNAL]
    title = f"a {kind} carries {counted(len(found), 'thing')}, {len(above)} of which may be sensitive"
    step = "%mask X makes a copy that carries less. What it learned from people is in its numbers all the same."
    return Report(title, tables=(Table(header, rows),) if rows else (), next_step=step if above else "")


def _renamed(made: MaskedModel) -> tuple[tuple[str, str], ...]:
    values = [f"{len(known)} values of {about or 'what it predicts'}" for about, known in made.values.items()]
    inputs = [f"{len(made.columns)} names of features"] if made.columns else []
    if not values and not inputs:
        return (("inputs", "as they were"),)
    return (("renamed", listed([*inputs, *values])), ("key", "of this kernel; .inputs(frame) renames what it is given"))


def _renaming(made: MaskedModel) -> pd.DataFrame:
    """What was renamed: of which feature (or of what it predicts, or the features' own names), from what, to what."""
    import pandas as pd

    rows = [("names of features", old, new) for old, new in made.columns.items()]
    for about, known in made.values.items():
        rows += [(about or "what it predicts", old, new) for old, new in known.items()]
    return pd.DataFrame(rows, columns=["of", "value", "known_as"])


def _tables(made: MaskedModel) -> Iterable[Table]:
    if made.done:
        yield Table(("attribute", "what was done"), made.done)
    if made.left:
        rows = tuple(
            (one.where, one.holds, one.label.level.value, one.stays or "other parts depend on it") for one in made.left
        )
        yield Table(("still there", "holds", "level", "why"), rows)


def _next_step(made: MaskedModel, up_to: Level) -> str:
    if not made.left:
        return "Share it: what was renamed is kept beside it, at its level. Numbers it learned are as they were."
    highest = max(one.label.level for one in made.left)
    return f"It is still {highest}: what is left cannot be taken out. Share it at that level, or train it on less."
