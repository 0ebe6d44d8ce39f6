"""The audit hooks that an administrator chose: of those that come with the package, and of other packages' own.

A hook is made by a factory from its options; factories of other packages are entry points of the group `GROUP`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from ...errors import Invalid
from ...model import clip
from .hooks import Hook
from .shipped_hooks import SHIPPED

GROUP = "jupyter_securecollab.audit_hooks"


def chosen_hooks(names: list[str], options: Mapping[str, Mapping[str, Any]]) -> dict[str, Hook]:
    """The hooks of these names, made from their options. Raises `Invalid` for one that is not there or fails."""
    others = {point.name: point for point in entry_points(group=GROUP)}
    made: dict[str, Hook] = {}
    for name in names:
        if name not in SHIPPED and name not in others:
            raise Invalid(f"there is no audit hook {clip(name)!r}", next_step="Install it, or correct audit_hooks.")
        try:
            factory = SHIPPED[name] if name in SHIPPED else others[name].load()
            made[name] = factory(dict(options.get(name, {})))
        except Exception as error:
            step = "Correct audit_hook_options."
            raise Invalid(f"the audit hook {name} cannot be made: {clip(str(error), 200)}", next_step=step) from error
    return made
