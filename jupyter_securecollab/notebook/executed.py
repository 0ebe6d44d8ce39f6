"""The verb that lists what was executed: `%audit --executions`."""

from __future__ import annotations

from datetime import UTC, datetime

from ..model import grantee_name
from ..runs import Run
from ..times import shown
from ..times import since as looking_back
from .display import Report, Table, counted, listed
from .listing import Listing
from .names import known
from .session import current

_HEADER = ("entry", "when", "who", "did", "where", "size", "took", "how it went", "level in play", "opened", "remarks")
_MOST = 200
_KEPT = (
    "who, where, when, length and keyed hash of the code, how it went, what was opened; never what it prints; "
    "whether the code too, %vault says"
)
_FACTS = (
    ("whose", "your own; for auditors and stewards everybody's"),
    ("kept of each", _KEPT),
    ("level in play", "the highest that was opened in that kernel until then"),
)


def executions(
    *, by: str | None = None, notebook: str | None = None, since: str | datetime | None = None
) -> Listing[Run]:
    """What was executed on the server, newest last: your own, or everybody's if you may read the log.

    By one person, in one notebook, since a time (`8h` is eight hours ago); of more than 200 the newest.
    """
    person = None if by is None else grantee_name(by)
    after = None if since is None else looking_back(since, datetime.now(UTC))
    found = current().client.executions(by=person, notebook=notebook, since=after, limit=_MOST)
    known.notebooks = tuple(sorted({*known.notebooks, *(run.start.notebook for run in found if run.start.notebook)}))
    table = Table(_HEADER, tuple(map(_row, found)))
    title, step = counted(len(found), "execution"), ""
    if len(found) == _MOST:
        title, step = f"The newest {_MOST} executions", "See others with --since, --by PERSON or --notebook PATH."
    elif not found and notebook is not None:
        step = "A notebook is named by its path from the top folder of JupyterLab's file browser."
    return Listing(Report(title, _FACTS, (table,) if found else (), step), found)


def _row(run: Run) -> tuple[str, ...]:
    start, end = run.start, run.end
    return (
        str(run.entry),
        shown(start.at, seconds=True),
        start.who or "unattributed",
        run.did,
        run.where or "–",
        "–" if start.length is None else f"{start.length:,} bytes",
        "–" if end is None or end.took is None else f"{end.took / 1e6:.3f} s",
        run.outcome,
        "–" if run.level is None else run.level.value,
        listed(run.opened),
        listed(run.remarks),
    )
