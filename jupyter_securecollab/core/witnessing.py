"""Witnesses asked to confirm the log as it grows, off the write path; and those waited for who need their word.

One checkpoint is asked about at a time, all witnesses at once, each on a thread of its own. When enough have cosigned
it the newest one is next, so that any number of operations share a question. Whoever needs a confirmed log waits a
limited time, and no longer than there is hope. What witnesses answer is verified; their refusal is never gone around.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..cosigning import Quorum, line_of, read_witness_key, with_cosignatures
from ..errors import LogBroken, SecureCollabError, Unavailable
from ..model import Value
from .ledger import Head
from .ports import WitnessLink

PATIENCE = 5.0
"""Seconds somebody waits for witnesses at most."""

_RETRY = 2.0
_log = logging.getLogger(__name__)


class Witnessed(Value, frozen=True):
    """How far the log is confirmed: entries there are, entries confirmed, and for how many seconds they differ.

    `witnesses` has by name how many entries each has confirmed, `problems` why one does not.
    """

    size: int
    confirmed: int
    behind_seconds: float
    needed: int
    witnesses: Mapping[str, int]
    problems: Mapping[str, str]


class Witnessing:
    """Keeps asking. `prove` proves that a head continues a size; `newest` reads the head in the database."""

    def __init__(
        self,
        links: Sequence[WitnessLink],
        needed: int,
        prove: Callable[[Head, int], tuple[bytes, ...]],
        newest: Callable[[], Head],
    ) -> None:
        self._quorum = Quorum.of([link.key for link in links], needed)
        self._prove = prove
        self._read_newest = newest
        self._news = threading.Condition()
        self._offered: Head | None = None
        self._asked: Head | None = None
        self._lines: dict[str, str] = {}
        self._confirmed: Head | None = None
        self._behind_since: float | None = None
        self._sizes: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        self._closed = False
        self._links = tuple(links)
        self._threads = [threading.Thread(target=self._serve, args=(one,), daemon=True) for one in links]
        for thread in self._threads:
            thread.start()

    def offer(self, head: Head) -> None:
        """Hand over a committed head; returns at once. One that already carries enough cosignatures is confirmed."""
        with self._news:
            if self._offered is not None and head.tree.size <= self._offered.tree.size:
                return
            self._offered = head
            if self._confirmed is None and len(self._quorum.cosigners(head.note)) >= self._quorum.needed:
                self._confirmed = head
            if self._behind_since is None and self._confirmed is not head:
                self._behind_since = time.monotonic()
            if self._asked is None or self._enough():
                self._ask_next()

    def newest(self) -> Head | None:
        """The newest head confirmed so far, with its cosignatures."""
        with self._news:
            return self._confirmed

    def confirmed(self, size: int) -> Head:
        """The newest confirmed head, which has at least so many entries. Waits; raises `Unavailable`, or `LogBroken`
        when there is no log of that size."""
        with self._news:
            if self._has(size):
                return self._sure()
        self._catch_up(size)
        with self._news:
            self._news.wait_for(lambda: self._has(size) or self._hopeless() or self._closed, PATIENCE)
            if self._has(size):
                return self._sure()
            told = "; ".join(f"{name}: {why}" for name, why in self._problems.items())
        raise Unavailable(
            "what was asked for is on record, but too few witnesses have confirmed the log: nothing is given out",
            next_step=f"Try again in a minute; the administrator of the vault can see why. {told}".strip(),
        )

    def state(self) -> Witnessed:
        """For metrics and for people."""
        with self._news:
            sizes = {read_witness_key(key).name: self._sizes.get(key, 0) for key in self._quorum.keys}
            size = self._offered.tree.size if self._offered else 0
            since = self._behind_since
            return Witnessed(
                size=size,
                confirmed=self._confirmed.tree.size if self._confirmed else 0,
                behind_seconds=0.0 if since is None else time.monotonic() - since,
                needed=self._quorum.needed,
                witnesses=sizes,
                problems=dict(self._problems),
            )

    def close(self) -> None:
        """Stop asking; whoever waits is told so."""
        with self._news:
            self._closed = True
            self._news.notify_all()
        for thread in self._threads:
            thread.join()
        for link in self._links:
            link.close()

    # -- with the lock held

    def _enough(self) -> bool:
        return len(self._lines) >= self._quorum.needed

    def _has(self, size: int) -> bool:
        return self._confirmed is not None and self._confirmed.tree.size >= size

    def _sure(self) -> Head:
        if self._confirmed is None:
            raise RuntimeError("nothing is confirmed")
        return self._confirmed

    def _hopeless(self) -> bool:
        return len(self._links) - len(self._problems) < self._quorum.needed

    def _ask_next(self) -> None:
        if self._offered is not self._asked:
            self._asked, self._lines = self._offered, {}
            self._news.notify_all()

    # -- asking

    def _catch_up(self, size: int) -> None:
        """Another process may have written what is to be confirmed."""
        with self._news:
            known = self._offered.tree.size if self._offered else 0
        if size > known:
            newest = self._read_newest()
            if newest.tree.size < size:
                raise LogBroken(
                    f"a checkpoint over {size} entries was seen, but the log has only {newest.tree.size}: it was set "
                    "back",
                    index=newest.tree.size,
                )
            self.offer(newest)

    def _serve(self, link: WitnessLink) -> None:
        name, known = read_witness_key(link.key).name, 0
        while (head := self._next(link)) is not None:
            try:
                known = self._ask(link, head, known)
                problem = None
            except SecureCollabError as error:
                problem = str(error)
            except Exception as error:  # the vault goes on, and whoever waits is told
                problem = f"it could not be asked ({type(error).__name__})"
            self._note(name, problem)

    def _next(self, link: WitnessLink) -> Head | None:
        """What to ask this witness about; None when all is over."""
        with self._news:
            self._news.wait_for(lambda: self._closed or (self._asked is not None and link.key not in self._lines))
            return None if self._closed else self._asked

    def _ask(self, link: WitnessLink, head: Head, known: int) -> int:
        """Have it confirm this head; how many entries it knows then."""
        for _ in range(3):
            answer = link.add_checkpoint(known, self._prove(head, known), head.note)
            if isinstance(answer, str):
                self._take(link.key, head, line_of(head.note, answer, link.key))
                return head.tree.size
            known = answer
            if known > head.tree.size:
                self._offer_longer(known)
                return known
        raise Unavailable("it says every time that it knows another size")

    def _offer_longer(self, known: int) -> None:
        newest = self._read_newest()
        if newest.tree.size < known:
            raise LogBroken(
                f"it has confirmed {known} entries of this log, which has {newest.tree.size} now: "
                "the vault was set back to an older state, or its log forked"
            )
        self.offer(newest)
        with self._news:
            self._ask_next()

    def _take(self, key: str, head: Head, line: str) -> None:
        with self._news:
            self._sizes[key] = head.tree.size
            if self._asked is not head:
                return
            self._lines[key] = line
            if self._enough():
                lines = [self._lines[one] for one in self._quorum.keys if one in self._lines]
                self._confirmed = replace(head, note=with_cosignatures(head.note, lines))
                self._behind_since = None if self._offered is head else time.monotonic()
                self._ask_next()
            self._news.notify_all()

    def _note(self, name: str, problem: str | None) -> None:
        """Remember how it went; after a failure wait a little. What is asked stays: others may be answering it."""
        with self._news:
            if problem is None:
                self._problems.pop(name, None)
                return
            if self._problems.get(name) != problem:
                _log.error("the witness %s does not confirm the log: %s", name, problem)
            self._problems[name] = problem
            self._news.notify_all()
            self._news.wait_for(lambda: self._closed, _RETRY)
