"""`make demo`: the whole story on real input, with real kernels of three people; any deviation ends it with an error.

Alice shares a frame and a model; Bob opens masked copies, trains, loads the model, and is refused the clear view;
Alice ends his access, Bob is refused; Carol verifies the log offline. Writes the executed notebooks, the audit bundle
and the log's public key to demo/out/.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat
import pandas as pd
from nbformat import NotebookNode

from jupyter_securecollab.bundles import verify_bundle

from .team import HERE, NOTEBOOKS, Team, found, serve
from .websocket import NotebookSession, read, text_of

OUT = HERE / "out"
_LATER = "continues-later"


class Tour:
    """One person's notebook: the cells before the story continues elsewhere, and those after."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notebook = read(str(NOTEBOOKS / f"{name}.ipynb"))
        cells = self.notebook.cells
        pause = next((n for n, cell in enumerate(cells) if _LATER in cell.metadata.get("tags", [])), len(cells))
        self.before, self.after = cells[:pause], cells[pause:]

    def output(self, source: str) -> str:
        """What the first code cell containing `source` said."""
        return next(text_of(cell) for cell in self.notebook.cells if cell.cell_type == "code" and source in cell.source)

    def save(self) -> None:
        """Write the executed notebook."""
        nbformat.write(self.notebook, OUT / f"{self.name}.ipynb")


async def tour(address: str, team: Team) -> tuple[Tour, Tour, Tour]:
    """Run the three notebooks in the order of the story; alice and bob each keep one kernel throughout."""
    alice, bob, carol = Tour("alice"), Tour("bob"), Tour("carol")
    try:
        async with (
            NotebookSession(address, team.tokens["alice"], "alice.ipynb") as with_alice,
            NotebookSession(address, team.tokens["bob"], "bob.ipynb") as with_bob,
        ):
            await _act(with_alice, alice, alice.before)
            await _act(with_bob, bob, bob.before)
            await _act(with_alice, alice, alice.after)
            await _act(with_bob, bob, bob.after)
        async with NotebookSession(address, team.tokens["carol"], "carol.ipynb") as with_carol:
            await _act(with_carol, carol, carol.before)
    finally:
        for one in (alice, bob, carol):
            one.save()
    return alice, bob, carol


async def _act(session: NotebookSession, who: Tour, cells: Sequence[NotebookNode]) -> None:
    for cell in cells:
        await session.run([cell])
        if cell.cell_type == "markdown":
            print(f"\n  {cell.source.strip().lstrip('# ')}")
        else:
            print(f"\n{who.name:>6} ▸ {cell.source.strip().splitlines()[-1]}")
            for line in text_of(cell).rstrip().splitlines():
                print(f"         {line}")


def deviations(team: Team, alice: Tour, bob: Tour, carol: Tour) -> Iterator[str]:
    """What did not go as it must have gone, beyond cells failing or not."""
    patients = pd.read_csv(HERE / "data" / "patients.csv")
    seen = "".join(text_of(cell) for cell in bob.notebook.cells if cell.cell_type == "code")
    for column in ("SSN", "DRIVERS", "PASSPORT", "ADDRESS", "LAST", "FIRST"):
        leaked = [value for value in patients[column].dropna().unique() if str(value) in seen]
        if leaked:
            yield f"bob saw {len(leaked)} clear values of {column}"
    if str(patients["HEALTHCARE_EXPENSES"].iloc[0]) not in bob.output('patients[["SSN"'):
        yield "bob did not see the internal columns in the clear"
    expected = {
        ("bob", "--up-to secret"): ("You read up to internal", "Open it without --up-to"),
        ("bob", "again = %open"): ("may not open", "alice"),
        ("carol", "subprocess"): ("The log verifies", "The state is what the log says"),
        ("carol", "%audit oncology/patients"): ("commit", "open", "revoke", "alice", "bob"),
        ("carol", "%open"): ("may not open",),
        ("alice", "--preview"): ("@analysts",),
    }
    for (name, source), words in expected.items():
        said = {"alice": alice, "bob": bob, "carol": carol}[name].output(source)
        for word in words:
            if word not in said:
                yield f"{name}'s {source!r} did not say {word!r}"
    report = verify_bundle(OUT / "audit-bundle.jsonl", team.log_key, state=True)
    if not report.rows:
        yield "the bundle vouches for no state"


def main() -> int:
    """Run the demo; 0 only if everything went as it must."""
    began = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    team = found(HERE / "home")
    with serve(team) as address:
        everybody = asyncio.run(tour(address, team))
    for name in ("audit-bundle.jsonl", "log-key.txt"):
        shutil.copy(team.home / "work" / name, OUT / name)
    wrong = list(deviations(team, *everybody))
    for text in wrong:
        print(f"WRONG: {text}", file=sys.stderr)
    print(f"\n{'Something went wrong' if wrong else 'All as it must be'}, after {time.monotonic() - began:.0f} s.")
    print(f"The executed notebooks and the audit bundle are in {OUT.relative_to(Path.cwd())}/.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
