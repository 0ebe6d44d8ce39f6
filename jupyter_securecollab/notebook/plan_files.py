"""Plans as data: which column is masked how, from a JSON or YAML file, a mapping, or both.

ssn: redact
visit_date: {how: shift, days: 30, by: patient_id}
zip: generalise:3
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec
import yaml  # type: ignore[import-untyped]  # it has no types

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
        step = "Check how it is spelled, and that it lies beside the notebook or is given with its whole path."
        raise CannotHold(f"{clip(str(path))} is not a file that can be read", next_step=step) from None
    if len(text) > _LARGEST:
        raise TooLarge(f"a plan takes up to {_LARGEST:,} bytes")
    try:
        found = reader(text, type=dict[str, str | dict[str, str | int | float] | None])
        named = list(_named_in_json(text) if path.suffix == ".json" else _named_in_yaml(text))
    except (msgspec.DecodeError, RecursionError, ValueError):  # a day that is none, a number of thousands of digits
        raise Invalid(
            f"{clip(path.name)} does not hold a plan", next_step="Write one line per column, such as: ssn: redact"
        ) from None
    if twice := [name for name in found if named.count(name) > 1]:
        step = "Keep one of them: the last would win unseen."
        raise Invalid(f"{clip(path.name)} says twice how {clip(twice[0])} is masked", next_step=step)
    # YAML reads the word null as nothing
    return {column: "null" if how is None else how for column, how in found.items()}


def _named_in_yaml(text: bytes) -> Iterator[Any]:
    """The keys of the outermost mapping, as often as they stand there."""
    return (key.value for key, _ in yaml.compose(text, Loader=yaml.SafeLoader).value)


def _named_in_json(text: bytes) -> Iterator[Any]:
    outermost: list[tuple[str, Any]] = json.loads(text, object_pairs_hook=list)
    return (key for key, _ in outermost)
