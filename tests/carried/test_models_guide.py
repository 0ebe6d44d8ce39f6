"""The guide's examples of models do what it shows."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

PAGE = (Path(__file__).parent.parent.parent / "docs" / "guide" / "models.md").read_text("utf-8")


def test_every_example_gives_what_is_shown() -> None:
    inside = "".join(block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if ">>>" in block)
    found = doctest.DocTestParser().get_doctest(inside, {}, "guide", None, 0)
    assert len(found.examples) > 12
    said: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(found, out=said.append).failed == 0, "".join(said)
