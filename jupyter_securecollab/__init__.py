"""Secure collaboration on data and models, inside Jupyter."""

import importlib

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    # By name, and only when a server asks: nothing on the kernel's side may reach the vault's.
    app = importlib.import_module(f"{__name__}.server.app")
    return [{"module": app.__name__, "app": app.SecureCollabApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-securecollab"}]
