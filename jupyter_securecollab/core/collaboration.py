"""The only door to keys, catalog and log. Whoever wants something of the vault calls a method here, as somebody.

Every method that releases keys or ciphertext, or changes what may be released, decides, records and commits before it
returns. Methods are synchronous and thread-safe; callers that live on an event loop use a thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..proofs import LogSigner
from .access import AccessBook
from .accounts import Accounts
from .audit import Journal
from .catalog import CheckpointRow
from .desk import Desk, Settings
from .executions import ExecutionBook
from .joining import Joins
from .keys import Keyring
from .labels import LabelBook
from .once import Once
from .opening import Opening
from .policy import Policy
from .ports import UNWATCHED, CheckpointCopy, Clock, KeyService, Objects, Store, Watch, WitnessLink
from .records import Records
from .reports import ReportBook
from .roster import Roster
from .sharing import PART_LIMIT, PartUpload, Sharing
from .shredding import Shredding
from .unmasking import Unmasking
from .upkeep import Collected, Upkeep
from .witnessing import Witnessed

__all__ = ["PART_LIMIT", "Collaboration", "Collected", "Once", "PartUpload", "Settings", "Witnessed", "founded_as"]


def founded_as(store: Store) -> str | None:
    """The name of the vault that is here; None for an empty database.

    Where there is a vault its keys must exist too, and are never made anew; and its name is the one it was founded
    with, because its log is signed under it.
    """
    with store.snapshot() as rows:
        newest = rows.find(CheckpointRow, newest=True, limit=1)
    return newest[0].note.partition("\n")[0] if newest else None


class Collaboration:
    """The vault. Its attributes are its methods: this constructor is the list of everything it can do.

    `policies` are the organisation's own, by file name. Raises `StoreBroken` when database, root key and log key do not
    belong together, `Invalid` for a policy that is not acceptable. Owns the store: `close` closes it.
    """

    def __init__(
        self,
        *,
        store: Store,
        signer: LogSigner,
        objects: Objects,
        key_service: KeyService,
        settings: Settings,
        clock: Clock,
        copies: Sequence[CheckpointCopy] = (),
        witnesses: Sequence[WitnessLink] = (),
        quorum: int = 0,
        policies: Mapping[str, str] = {},
        watch: Watch = UNWATCHED,
    ) -> None:
        keys = _checked(Keyring(key_service), store)
        self._store = store
        self._journal = journal = Journal(
            store, signer, clock=clock, copies=copies, witnesses=witnesses, quorum=quorum, watch=watch
        )
        desk = Desk(journal, Policy(policies), settings, clock, watch)
        access = AccessBook(desk)
        joins = Joins(desk, keys)
        sharing = Sharing(desk, access, joins, keys, objects)
        opening = Opening(desk, access, keys, objects)
        unmasking = Unmasking(desk, keys)
        shredding = Shredding(desk, keys, objects)
        upkeep = Upkeep(desk, keys, objects)
        accounts = Accounts(desk)
        roster = Roster(desk)
        records = Records(desk)
        executions = ExecutionBook(desk, keys)
        reports = ReportBook(desk, executions)
        labels = LabelBook(desk, keys)
        # What is inside an asset.
        self.begin = sharing.begin
        self.upload = sharing.upload
        self.commit = sharing.commit
        self.abort = sharing.abort
        self.open = opening.open
        self.read_part = opening.read_part
        self.part_size = opening.part_size
        self.unmask = unmasking.unmask
        self.shred = shredding.shred
        # Who may do what with it, and what may be known of it.
        self.grant = access.grant
        self.revoke = access.revoke
        self.access = access.access
        self.assets = access.assets
        self.describe = access.describe
        self.versions = access.versions
        self.directory = access.directory
        # What people said of columns.
        self.label_key = labels.label_key
        self.corrections = labels.corrections
        self.correct = labels.correct
        # Pseudonyms that join over a project.
        self.ask_join = joins.ask_join
        self.decide_join = joins.decide_join
        self.joins = joins.joins
        # The log.
        self.audit = records.audit
        self.prove = records.prove
        self.export = records.export
        self.head = journal.head
        self.verify = journal.verify
        self.log_key = journal.log_key
        self.witnessed = journal.witnessed
        self.waiting = journal.waiting
        # What was executed.
        self.record = executions.record
        self.finish = executions.finish
        self.begin_spool = executions.begin_spool
        self.spools = executions.spools
        self.take_segment = executions.take_segment
        self.end_spool = executions.end_spool
        self.spool_key = reports.spool_key
        self.report = reports.report
        self.executions = executions.executions
        self.keep_code = executions.keep_code
        self.execution_code = executions.code
        self.forget_executions = executions.forget
        self.recording = executions.recording
        self.recorded_by = executions.recorded_by
        # People.
        self.me = accounts.me
        self.people = accounts.people
        self.found = accounts.found
        self.adopt_policy = desk.adopt_policy
        self.add_user = accounts.add_user
        self.change_user = accounts.change_user
        self.disable_user = accounts.disable_user
        self.enable_user = accounts.enable_user
        self.admit_user = accounts.admit_user
        self.vouch = roster.vouch
        self.new_token = accounts.new_token
        self.set_own_token = accounts.set_own_token
        self.set_password = accounts.set_password
        self.add_member = accounts.add_member
        self.remove_member = accounts.remove_member
        self.account = accounts.account
        self.account_at_once = accounts.account_at_once
        self.account_of_token = accounts.account_of_token
        self.groups_of = accounts.groups_of
        self.is_team = accounts.is_team
        self.collect = upkeep.collect
        self.rotate_keys = upkeep.rotate_keys

    def close(self) -> None:
        """Commit what waits, then release the database. Later calls raise `Unavailable`."""
        self._journal.close()
        self._store.close()


def _checked(keys: Keyring, store: Store) -> Keyring:
    with store.snapshot() as rows:
        keys.check(rows)
    return keys
