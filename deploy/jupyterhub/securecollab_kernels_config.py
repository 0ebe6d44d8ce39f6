"""Kernels under their people's users, started by a recorder that belongs to none of them: records that are enforced.

In jupyterhub_config.py, on a machine where people have users of their own, instead of `securecollab_config.py`, which
lies beside this file: `load_subconfig("/etc/jupyterhub/securecollab_kernels_config.py")`. docs/operate/hardened.md says
what it stops and what it does not. The tests run this file.
"""

import copy
import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub's
load_subconfig("securecollab_config.py", path=[str(Path(__file__).resolve().parent)])  # noqa: F821

URL = os.environ.get("SECURECOLLAB_KERNELS_URL", "http://127.0.0.1:8766")  # where the recorder listens
USER = "securecollab-kernels"  # a user of the operating system that nobody else uses
FOLDER = "/var/lib/securecollab-kernels"  # records that the vault does not have yet; nobody but USER may enter it
RUNTIME = "/run/securecollab-kernels"  # connection files: USER's, 0711, each file its person's alone
CONFIGURATION = "/etc/securecollab-kernels"  # root's: jupyter_securecollab_kernels_config.py, if there is to be one

RECORDER = "custom:securecollab:recorder"
c.JupyterHub.custom_scopes.update({RECORDER: {"description": "Report to the vault what people execute"}})
c.JupyterHub.load_roles.append(
    # A service's alone: given to people it counts for nothing, and opens nothing.
    {
        "name": "securecollab-recorder",
        "scopes": ["access:services!service=securecollab", RECORDER],
        "services": ["securecollab-kernels"],
    }
)

VAULT = copy.deepcopy(c.Spawner.environment).get_value({})  # asked itself, it would take no more after this
# All it may do that a user cannot: become one of its people, end their kernels, give them their connection files.
MAY = "-all,+setuid,+setgid,+kill,+chown"
c.JupyterHub.services.append(
    {
        "name": "securecollab-kernels",
        # No "url": the Hub's proxy would let browsers reach it.
        "cwd": "/",  # where Jupyter too looks for configuration
        "command": [
            *("/usr/bin/setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
            *(f"--inh-caps={MAY}", f"--ambient-caps={MAY}", f"--bounding-set={MAY}", "--no-new-privs", "--"),
            *(sys.executable, "-I", "-m", "jupyter_securecollab.server.extension.recorder"),
            *("--no-browser", f"--ip={URL.split('/')[2].split(':')[0]}", f"--port={URL.rpartition(':')[2]}"),
            *("--port-retries=0", "--KernelSpecManager.allowed_kernelspecs=python3"),
            f"--KernelRecorder.folder={FOLDER}",
        ],
        "environment": {
            "HOME": FOLDER,
            "JUPYTER_CONFIG_DIR": CONFIGURATION,
            "JUPYTER_DATA_DIR": f"{CONFIGURATION}/share",  # kernelspecs: below `kernels`
            "JUPYTER_RUNTIME_DIR": RUNTIME,
            **{name: value for name, value in VAULT.items() if name.startswith("SECURECOLLAB_VAULT_")},
        },
    }
)

# People's servers have kernels there and none of their own. Each shows the token the Hub gave it.
c.Spawner.environment.update(
    {
        "JUPYTER_GATEWAY_URL": URL,
        "JUPYTER_GATEWAY_AUTH_TOKEN": lambda spawner: spawner.api_token,
    }
)
