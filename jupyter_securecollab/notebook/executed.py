"""The verb that lists what was executed: `%audit --executions`."""

from __future__ import annotations

from datetime import UTC, datetime

from ..model import grantee_name
from ..runs import Run
from ..times import shown
from ..times import since as looking_back
from .display import Report, Table, listed
from .listing import Listing
from .session import current

_HEADER = ("entry", "when", "who", "did", "where", "code", "took", "how it went", "level in play", "remarks")
KEPT = "who, where, when, length and keyed hash of the code, how it went; neither the code nor what it printed"


def executions(
    *, by: str | None = None, notebook: str | None = None, since: str | datetime | None = None
) -> Listing[Run]:
    """What was executed on the server, newest last: your own, or everybody's if you may read the log.

    By one person, in one notebook, since a time (`8h` is eight hours ago). `level in play` is the highest that was
    opened in that kernel until then.
    """
    person = None if by is None else grantee_name(by)
    after = None if since is None else looking_back(since, datetime.now(UTC))
    found = current().client.executions(by=person, notebook=notebook, since=after)
    table = Table(_HEADER, tuple(map(_row, found)))
    facts = (("kept of each", KEPT), ("how it went", "is what the kernel says"))
    return Listing(Report(f"{len(found)} executions", facts, (table,) if found else ()), found)


def _row(run: Run) -> tuple[str, ...]:
    start, end = run.start, run.end
    return (
        str(run.entry),
        shown(start.at),
        start.who or "unattributed",
        start.act,
        start.notebook or start.target or (start.kernel or "–")[:8],
        "–" if start.length is None else f"{start.length} bytes",
        "–" if end is None or end.took is None else f"{end.took / 1e6:.3f} s",
        run.outcome,
        "–" if run.level is None else run.level.value,
        listed((*run.remarks, *(one.name for one in (end.assets if end else ())))),
    )
