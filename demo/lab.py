"""`make lab`: JupyterLab with the demo's people and notebooks, one address for each."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from .team import PEOPLE, found, serve

HOME = Path(__file__).parent / "home"


def main() -> int:
    """Serve until interrupted."""
    team = found(HOME)
    with serve(team, port=8899) as address:
        print("Open each in a browser, or a private window, of its own:\n")
        for person in PEOPLE:
            notebook = f"/tree/{person.name}.ipynb" if person.name != "dana" else ""
            print(
                f"  {person.name:6} {address}/lab/workspaces/{person.name}{notebook}?token={team.tokens[person.name]}"
            )
        print("\nCtrl-C stops the server.", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
