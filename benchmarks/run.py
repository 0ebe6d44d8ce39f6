"""Measures and writes the report: `python -m benchmarks.run [--quick] [--output FILE] [TOPIC ...]`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from . import audit, ciphers, classify, decisions, execution, hub, masking, report, risks, sharing, starting

TOPICS = {
    "share": sharing.run,
    "audit": audit.run,
    "decisions": decisions.run,
    "start": starting.run,
    "classify": classify.run,
    "mask": masking.run,
    "fpe": ciphers.run,
    "risk": risks.run,
    "execution": execution.run,
    "hub": hub.run,
}
_USUAL = ("share", "audit", "decisions", "start")
"""What the budgets of the vault are about; frames, executions and the Hub have reports of their own."""


def main(arguments: list[str]) -> None:
    """Measure the topics named, or the usual ones."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "topics", nargs="*", metavar="TOPIC", help=f"any of {', '.join(TOPICS)}; {', '.join(_USUAL)} if none is named"
    )
    parser.add_argument("--quick", action="store_true", help="small and once: shows that it works, not what it costs")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("results.md"), metavar="FILE")
    options = parser.parse_args(arguments)
    if unknown := set(options.topics) - set(TOPICS):
        parser.error(f"no such topic: {', '.join(sorted(unknown))}")
    load = os.getloadavg()
    sections = []
    for topic in options.topics or _USUAL:
        started = time.monotonic()
        for section in TOPICS[topic](options.quick):
            sections.append(section)
            print(report.table(section), end="\n\n", flush=True)
        print(f"({topic}: {time.monotonic() - started:.0f} s)\n", flush=True)
    options.output.write_text(report.text(sections, report.conditions(load)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
