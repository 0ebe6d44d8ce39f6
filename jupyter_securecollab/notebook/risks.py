"""How easily rows of a frame are told apart, as a verb: measured where the frame is, nothing leaves the kernel."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import CannotHold, Invalid
from ..frames import axes
from ..frames.anonymity import Generalisation, generalisation
from ..frames.disclosure import USUAL, Disclosure, Rules
from ..frames.disclosure import disclosures as broken_rules
from ..frames.mask import mask_column
from ..frames.risk import Risk, Sensitive
from ..frames.risk import risk as measured
from ..model import Label, clip
from .display import Report, Shown, Table, listed
from .labelling import labelled
from .opening import open as open_asset
from .plan import check_frame
from .session import current

QUASI_IDENTIFIERS = frozenset(
    {
        *("postcode", "city", "country", "date_of_birth", "age"),
        *("gender", "ethnicity", "religion", "nationality", "marital_status"),
    }
)
"""Tags of what others may know of a person, and which together point at few: taken unless columns are named."""

SENSITIVE = frozenset({"health_condition", "salary_or_income"})
"""Tags of what others should not learn of a person."""


@dataclass(frozen=True, repr=False)
class Measured(Shown):
    """The measures, as values and as a table."""

    risk: Risk


def risk(
    x: Any,
    quasi_identifiers: Sequence[str] | None = None,
    sensitive: Sequence[str] | None = None,
    *,
    population: Any = None,
) -> Measured:
    """How far the rows of a frame can be told apart by what others may know, and what that gives away.

    Columns that are not named are taken by their tags, see `classify`. `population` is the frame that `x` was drawn
    from. Raises `Invalid` where no column is named or found, `NotFound`, `CannotHold`.
    """
    check_frame(x)
    all_named = quasi_identifiers is not None and sensitive is not None
    labels = {} if all_named else labelled(current(), x, without_vault=True).labels
    quasi = known_of_people(labels) if quasi_identifiers is None else tuple(quasi_identifiers)
    hidden = _tagged(labels, SENSITIVE) if sensitive is None else tuple(sensitive)
    found = measured(x, quasi, tuple(name for name in hidden if name not in quasi), population)
    return Measured(_report(found), found)


@dataclass(frozen=True, repr=False)
class Checked(Shown):
    """The cells that break a rule, as values and as a table."""

    found: tuple[Disclosure, ...]


def disclosures(
    x: Any,
    by: str | Sequence[str],
    *,
    totals: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    earlier: Any = None,
    version: int | None = None,
    rules: Rules = USUAL,
) -> Checked:
    """Which cells of a frame that will be grouped `by` columns and published give away rows behind them, and by what.

    `totals` are number columns that are summed up, `sensitive` those somebody might learn. `earlier` is what an earlier
    table was made from: a frame, or the name of an asset, of which the columns grouped by are opened, in `version` or
    else the last. The report names cells by their values: it is for whoever may see the frame. Raises `Invalid`,
    `NotFound`, `CannotHold`, and what `open` raises.
    """
    check_frame(x)
    columns = [by] if isinstance(by, str) else list(by)
    if version is not None and not isinstance(earlier, str):
        raise Invalid("a version is that of an asset", next_step="Name one: earlier='oncology/patients', version=3.")
    if isinstance(earlier, str):
        earlier = open_asset(earlier, version=version, columns=columns)
    if earlier is not None:
        check_frame(earlier)
    found = broken_rules(x, columns, totals=totals, sensitive=sensitive, earlier=earlier, rules=rules)
    return Checked(_cells(found, columns), found)


_MOST_CELLS = 50


def _cells(found: Sequence[Disclosure], by: Sequence[str]) -> Report:
    if not found:
        return Report("no cell breaks a rule", (("grouped by", listed(by)),))
    rows = tuple(
        (
            one.rule,
            ", ".join("missing" if value is None else value for value in one.cell),
            f"{one.rows:,}",
            one.column or "",
        )
        for one in found[:_MOST_CELLS]
    )
    facts = [("grouped by", listed(by))]
    facts += [("shown", f"the first {_MOST_CELLS} of {len(found):,}")] if len(found) > _MOST_CELLS else []
    step = "Join such cells with others, group by less, or leave them out."
    return Report(f"{len(found):,} findings", tuple(facts), (Table(("rule", "cell", "rows", "column"), rows),), step)


def view_risk(view: Any, labels: Mapping[str, Label]) -> str:
    """One sentence about a whole view of a frame; empty where nothing in it is known of people."""
    quasi = _tagged(labels, QUASI_IDENTIFIERS, axes.names(view))
    if not quasi:
        return ""
    told = _apart(view, quasi)
    return f"Risk: {told}." if told else ""


def risk_line(frame: Any, labels: Mapping[str, Label]) -> str:
    """How far the rows of a frame just classified can be told apart; empty where it has nothing known of people.

    Measured up to a million rows, so that nobody waits for it, of names that stand for one column each, and not of
    frames that lie elsewhere, such as those of Dask.
    """
    if not axes.is_frame(frame):
        return ""
    names = axes.names(frame)
    quasi = _tagged(labels, QUASI_IDENTIFIERS)
    if not quasi or len(set(names)) < len(names):
        return ""
    if axes.length(frame) > _MEASURED_UNASKED:
        return f"not measured unasked of so many rows; collab.risk says how rows are told apart by {listed(quasi)}"
    return _apart(frame, quasi)


_MEASURED_UNASKED = 1_000_000


def _apart(frame: Any, quasi: Sequence[str]) -> str:
    """In words; empty where a column holds lists or structs, which have no classes."""
    try:
        found = measured(frame, quasi)
    except CannotHold:
        return ""
    return f"k = {found.k:,}, {found.uniques:,} of {found.rows:,} rows are alone by {listed(found.quasi_identifiers)}"


def anonymised(view: Any, labels: Mapping[str, Label], k: int) -> tuple[Any, Generalisation]:
    """A view of a frame with what others may know generalised until at least k rows look alike, and how.

    Raises `Invalid` where an index level is known of people: it would stay, and tell rows apart.
    """
    if index := _tagged(labels, QUASI_IDENTIFIERS, set(axes.names(view)) - set(axes.column_names(view))):
        step = "Make it a column first, with .reset_index(), or leave it out."
        raise Invalid(f"others may know {clip(index[0])!r} of people, and it is an index level", next_step=step)
    quasi = known_of_people({name: label for name, label in labels.items() if name in axes.column_names(view)})
    tags = {name: labels[name].tag for name in quasi}
    found = generalisation(view, quasi, k, tags=tags)
    for name, choice in found.choices.items():
        view = axes.replaced(view, name, mask_column(axes.values(view, name), choice, tags[name]))
    return view, found


def known_of_people(labels: Mapping[str, Label]) -> tuple[str, ...]:
    """The columns whose tags say that others may know them of a person; raises `Invalid` where there is none."""
    found = _tagged(labels, QUASI_IDENTIFIERS)
    if not found:
        raise Invalid(
            "no column here looks like what others may know of a person",
            next_step="Name such columns: collab.risk(x, quasi_identifiers=['zip', 'birth_date', 'sex']).",
        )
    return found


def _tagged(labels: Mapping[str, Label], tags: frozenset[str], among: Collection[str] | None = None) -> tuple[str, ...]:
    """The columns with one of these tags."""
    there = labels if among is None else [name for name in labels if name in among]
    return tuple(name for name in there if labels[name].tag in tags)


def generalised(found: Generalisation) -> Report:
    """How a frame was generalised."""
    facts = [(name, str(choice)) for name, choice in found.choices.items()]
    facts.append(("lost", f"{found.loss:.0%} of the detail of these columns"))
    facts += [] if found.best else [("careful", "the time was over before anything better could be looked for")]
    return Report(f"every row looks like at least {found.k - 1:,} others", tuple(facts))


def _report(found: Risk) -> Report:
    facts = [
        ("told apart by", listed(found.quasi_identifiers)),
        ("rows", f"{found.rows:,} in {found.classes:,} classes of rows that look alike"),
        ("k", f"{found.k:,}: the smallest class"),
        ("alone in their class", f"{found.uniques:,} rows"),
        (
            "found for sure",
            f"{found.prosecutor:.1%} at worst, {found.marketer:.1%} on average, by who knows they are in it",
        ),
    ]
    if found.journalist is not None:
        facts.append(("among the population", f"{found.journalist:.1%} at worst"))
    table = Table(("tells of", "l", "t", "rows given away"), tuple(map(_row, found.sensitive)))
    step = "Generalise or drop some of these columns: see %mask --explain." if found.k < 5 and found.rows else ""
    return Report(f"risk: k = {found.k:,}", tuple(facts), (table,) if found.sensitive else (), step)


def _row(one: Sensitive) -> tuple[str, ...]:
    return (one.column, str(one.l), f"{one.t:.2f}", f"{one.given_away:,}")
