"""`make lab`: JupyterLab with the demo's people and notebooks, one address for each."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import nbformat

from .run import Tour
from .team import PEOPLE, found, serve

HOME = Path(__file__).parent / "home"
_ORDER = "alice, bob, alice-later, bob-later, carol"


def main() -> int:
    """Serve until interrupted or ended."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the server is ended too
    team = found(HOME)
    for name in ("alice", "bob"):
        _part(Tour(name), team.home / "work")
    with serve(team, port=8899) as address:
        print("Open each in a browser, or a private window, of its own:\n")
        for person in PEOPLE:
            notebook = f"/tree/{person.name}.ipynb" if person.name != "dana" else ""
            print(
                f"  {person.name:6} {address}/lab/workspaces/{person.name}{notebook}?token={team.tokens[person.name]}"
            )
        print(f"\nThe story, with Run All Cells in each notebook: {_ORDER}.\nCtrl-C stops the server.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


def _part(tour: Tour, folder: Path) -> None:
    """Write what comes later in the story as a notebook of its own: Run All would not wait for the others."""
    for name, cells in ((tour.name, tour.before), (f"{tour.name}-later", tour.after)):
        tour.notebook.cells = cells
        nbformat.write(tour.notebook, folder / f"{name}.ipynb")


if __name__ == "__main__":
    sys.exit(main())
