"""What masked copies tell all the same, as facts to show: by how often values occur, by names, by not being masked."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold
from ..frames import axes
from ..frames.kernels import as_arrow, decoded
from ..frames.keyed import MaskKey
from ..frames.plans import masked
from ..frames.sampled import strata
from ..frames.sampling import take
from .classifying import classifier
from .display import listed
from .plan import Plan

Facts = tuple[tuple[str, str], ...]

_ROWS = 2_000
_MOST = 0.5
_DEALT = "shuffle"  # what stays there stays by chance


def careful(planned: Plan) -> Facts:
    """All warnings about the masked copies of a frame."""
    return (*few_values(planned), *left_clear(planned), *telling_names(planned))


def few_values(planned: Plan) -> Facts:
    """A warning about masked copies that can be told by counting."""
    found = planned.given_away()
    tells = f"{listed(found)}: few different values, and how often each occurs gives them away"
    return (("careful", tells),) if found else ()


def left_clear(planned: Plan) -> Facts:
    """A warning about masked copies that hold most of the values as they are, by some thousand rows.

    Of `clip`, and of sentences, all: what lies between bounds, or says nothing of anybody, is meant to stay.
    """
    rows = strata(axes.length(planned.frame), _ROWS)
    part = take(planned.frame, rows)
    key = MaskKey(secrets.token_bytes(32))  # whether values stay does not depend on it
    found = []
    for name, choice in planned.copies.items():
        tag = planned.labels[name].tag
        if choice.how == _DEALT:
            continue
        stays = _staying(axes.values(part, name), masked(part, name, choice, tag, key))
        if stays >= 1 or (stays > _MOST and choice.how != "clip" and tag != "free_text"):
            found.append(f"{name} ({choice})")
    tells = f"{listed(found)}: most values of the masked copy are the clear ones"
    return (("careful", tells),) if found else ()


def _staying(values: Any, masks: Any) -> float:
    """The share of values that a copy has at the same place; 0 where there are none, or none that can be compared."""
    try:
        before, after = decoded(as_arrow(values)), decoded(as_arrow(masks))
        same = pc.equal(before, after.cast(before.type))
    except (CannotHold, pa.ArrowException):  # lists, structs, and what no technique but null takes
        return 0.0
    there = np.asarray(before.is_valid(), dtype=bool)
    return float(np.asarray(pc.fill_null(same, pa.scalar(False)), dtype=bool)[there].mean()) if there.any() else 0.0


def telling_names(planned: Plan) -> Facts:
    """A warning about columns named after values, as pivoting makes them: whoever gets a column reads its name."""
    names = [name.encode("utf-8", "replace").decode() for name in axes.column_names(planned.frame)]
    found = classifier().find(pa.table({"": pa.array(names, pa.string())}))[""]
    if found.level <= planned.up_to:
        return ()
    return (("careful", f"names of columns look like values ({found.tag}), and names are not masked"),)
