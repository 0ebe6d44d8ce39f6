"""The only door to keys, catalog and log. Whoever wants something of the vault calls a method here, as a real principal.

Every method that releases keys or ciphertext, or changes what may be released, decides, records and commits before it
returns. Methods are synchronous and thread-safe; callers that live on an event loop use a thread.
"""

from __future__ import annotations

from .access import AccessBook
from .accounts import Accounts
from .audit import Journal
from .content import Collected, Content, PartUpload
from .desk import Desk, Settings
from .keys import Keyring
from .policy import Policy
from .ports import Clock, KeyService, Objects
from .records import Records

__all__ = ["Collaboration", "Collected", "PartUpload", "Settings"]


class Collaboration:
    """The vault. Its attributes are its methods: this constructor is the list of everything it can do."""

    def __init__(
        self,
        *,
        journal: Journal,
        objects: Objects,
        key_service: KeyService,
        policy: Policy,
        settings: Settings,
        clock: Clock,
    ) -> None:
        keys = Keyring(key_service)
        journal.read(keys.check)
        desk = Desk(journal, policy, settings, clock)
        access = AccessBook(desk)
        content = Content(desk, access, keys, objects)
        accounts = Accounts(desk)
        records = Records(desk)

        # What is inside an asset.
        self.begin = content.begin
        self.upload = content.upload
        self.commit = content.commit
        self.abort = content.abort
        self.open = content.open
        self.read_part = content.read_part
        self.part_size = content.part_size
        self.collect = content.collect
        # Who may do what with it, and what may be known of it.
        self.grant = access.grant
        self.revoke = access.revoke
        self.access = access.access
        self.assets = access.assets
        self.describe = access.describe
        self.versions = access.versions
        self.directory = access.directory
        # The log.
        self.audit = records.audit
        self.prove = records.prove
        self.export = records.export
        self.head = journal.head
        self.log_key = journal.log_key
        # People.
        self.me = accounts.me
        self.people = accounts.people
        self.found = accounts.found
        self.add_user = accounts.add_user
        self.change_user = accounts.change_user
        self.disable_user = accounts.disable_user
        self.new_token = accounts.new_token
        self.set_password = accounts.set_password
        self.add_member = accounts.add_member
        self.remove_member = accounts.remove_member
        self.account = accounts.account
        self.account_of_token = accounts.account_of_token
        self.is_team = accounts.is_team

        self.close = journal.close
