"""A server extension as small as can be: our identity, and one route that says who calls."""

import msgspec
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.services.kernels.handlers import _kernel_id_regex
from tornado import web

from jupyter_securecollab.errors import Unavailable
from jupyter_securecollab.model import Account
from jupyter_securecollab.server.extension.embedded import EmbeddedHandler
from jupyter_securecollab.server.extension.wiring import install
from jupyter_securecollab.server.hashed import sha256_hex


class MemoryAccounts:
    """Accounts in a dictionary: the door's part in signing in."""

    def __init__(self):
        self.by_name = {}
        self.by_token = {}
        self.readable = True

    def add(self, name, token="", password_hash=""):
        self.by_name[name] = Account(name, True, 0, password_hash)
        self.by_token[sha256_hex(token)] = name

    def disable(self, name):
        self.by_name[name] = msgspec.structs.replace(self.by_name[name], active=False)

    def end_sessions(self, name):
        account = self.by_name[name]
        self.by_name[name] = msgspec.structs.replace(account, epoch=account.epoch + 1)

    def account(self, name):
        return self.by_name.get(name)

    def account_at_once(self, name):
        if not self.readable:
            raise Unavailable("the vault cannot be read just now")
        return self.account(name)

    def account_of_token(self, sha256_hex):
        return self.by_name.get(self.by_token.get(sha256_hex, ""))

    def groups_of(self, name):
        return ()

    def is_team(self):
        return bool(self.by_name)


class WhoAmI(EmbeddedHandler):
    @allow_unauthenticated
    async def get(self):
        self.finish(msgspec.json.encode(self.caller))

    @allow_unauthenticated
    async def post(self):
        self.finish(msgspec.json.encode(self.caller))


class Forgetful(JupyterHandler):
    """As other extensions have them: for who is signed in, whatever the authorizer would say."""

    @web.authenticated
    def get(self, kernel_id):
        self.finish(kernel_id)


class WhoAmIApp(ExtensionApp):
    name = "whoami_extension"
    accounts = MemoryAccounts()
    notice = "The notice, with <b>markup</b>."

    def _link_jupyter_server_extension(self, serverapp):
        super()._link_jupyter_server_extension(serverapp)
        extra = {"SECURECOLLAB_LOG_KEY": "log.example+pinned"}
        install(serverapp, self.accounts, os_user="olive", notice=self.notice, environment=extra)

    def initialize_handlers(self):
        self.handlers += [(r"/whoami", WhoAmI), (rf"/forgetful/{_kernel_id_regex}", Forgetful)]


def _jupyter_server_extension_points():
    return [{"module": "whoami_extension", "app": WhoAmIApp}]
