"""The vault as a service of this Hub, in a process of its own under a user of its own.

As the last line of jupyterhub_config.py, since a list set after it would replace what it adds:
`load_subconfig("/etc/jupyterhub/securecollab_config.py")`. What to change is at the top; docs/operate/jupyterhub.md
says why the rest is as it is. The tests run this file.
"""

import os
import sys

c = get_config()  # noqa: F821 - JupyterHub's

# Where the Hub runs in a container its environment may say these three.
URL = os.environ.get("SECURECOLLAB_URL", "http://127.0.0.1:8765")  # where the service listens; users' servers reach it
API_TOKEN = os.environ.get("SECURECOLLAB_API_TOKEN", "")  # of a service that something else than the Hub starts
LOG_KEY = os.environ.get("SECURECOLLAB_LOG_KEY", "")  # the log's public key, as the service says when it starts
FOLDER = "/var/lib/securecollab"  # the vault: database, keys, sealed objects; nobody but USER may enter it
USER = "securecollab"  # a user of the operating system that nobody else uses
WITNESSES = []  # (public key, address) of each witness of the vault's log: docs/operate/witnesses.md
NEEDED = len(WITNESSES) // 2 + 1  # how many of them have to confirm what people are shown

# A scope is not enough: each is given by a role, and a token has to carry it.
USE = "access:services!service=securecollab"
MEMBER, STEWARD, AUDITOR, ADMIN = (f"custom:securecollab:{role}" for role in ("member", "steward", "auditor", "admin"))
c.JupyterHub.custom_scopes.update(
    {
        MEMBER: {"description": "Share data through the vault, and open what is shared"},
        STEWARD: {"description": "See the vault's catalog and log", "subscopes": [MEMBER]},
        AUDITOR: {"description": "Read the vault's log; an auditor never reads data"},
        ADMIN: {"description": "Administer the vault"},
    }
)
# The Hub makes groups that it finds in a role; `load_groups` would not go with an authenticator that manages groups.
c.JupyterHub.load_roles.extend(
    [
        {"name": "securecollab-member", "scopes": [USE, MEMBER], "groups": ["securecollab-members"]},
        {"name": "securecollab-steward", "scopes": [USE, STEWARD], "groups": ["securecollab-stewards"]},
        {"name": "securecollab-auditor", "scopes": [USE, AUDITOR], "groups": ["securecollab-auditors"]},
        # The vault looks at when an account was made, so that another one of the same name inherits nothing.
        {"name": "securecollab-service", "scopes": ["read:users"], "services": ["securecollab"]},
    ]
)
STARTED_HERE = {
    "command": [
        *(sys.executable, "-m", "jupyter_securecollab.cli", "--folder", FOLDER, "serve"),
        *(word for key, url in WITNESSES for word in ("--witness", key, url)),
        *(("--witness-quorum", str(NEEDED)) if WITNESSES else ()),
    ],
    "user": USER,
    "cwd": "/",  # where Python looks for modules first: nobody's but root's
}
c.JupyterHub.services.extend(
    [
        {
            "name": "securecollab",
            "url": URL,
            **({"api_token": API_TOKEN} if API_TOKEN else STARTED_HERE),
            # What a steward or an auditor signs in with at the vault's own pages, which no server of a user ever holds.
            "oauth_client_allowed_scopes": [USE, MEMBER, STEWARD, AUDITOR],
        }
    ]
)

# A server's own token, which its kernels use: what a member may, and nothing above that. Never a steward's scope here.
c.Spawner.server_token_scopes.extend(["users:activity!user", "access:servers!server", USE, MEMBER])
c.Spawner.environment.update(
    {
        "SECURECOLLAB_VAULT_URL": f"{URL}/services/securecollab",
        "SECURECOLLAB_VAULT_LOG_KEY": LOG_KEY,
        "SECURECOLLAB_VAULT_WITNESSES": " ".join((str(NEEDED), *(key for key, _ in WITNESSES))) if WITNESSES else "",
    }
)
