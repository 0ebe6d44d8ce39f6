"""Plans as data: which column is masked how, from a JSON or YAML file, a mapping, or both.

ssn: redact
visit_date: {how: shift, days: 30, by: patient_id}
zip: generalise:3
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

import msgspec

from ..errors import CannotHold, Invalid, TooLarge
from ..frames.plans import Masks
from ..model import clip

_LARGEST = 1_000_000
_READERS = {".json": msgspec.json.decode, ".yaml": msgspec.yaml.decode, ".yml": msgspec.yaml.decode}


def masks_of(plan: str | PathLike[str] | Masks | None, masks: Masks | None) -> Masks:
    """A plan together with single choices, which win. Raises `Invalid` where the file holds no plan."""
    planned = plan if isinstance(plan, Mapping) else {} if plan is None else _read(Path(plan).expanduser())
    return {**planned, **(masks or {})}


def _read(path: Path) -> Masks:
    try:
        reader = _READERS[path.suffix]
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
    except KeyError:
        raise Invalid("a plan is a JSON or YAML file", next_step="Name it .json, .yaml or .yml.") from None
    except OSError:
        raise CannotHold(f"{clip(str(path))} is not a file that can be read") from None
    if len(text) > _LARGEST:
        raise TooLarge(f"a plan takes up to {_LARGEST:,} bytes")
    try:
        found = reader(text, type=dict[str, str | dict[str, str | int | float] | None])
    except (msgspec.DecodeError, RecursionError):
        raise Invalid(
            f"{clip(path.name)} does not hold a plan", next_step="Write one line per column, such as: ssn: redact"
        ) from None
    # YAML reads the word null as nothing
    return {column: "null" if how is None else how for column, how in found.items()}
