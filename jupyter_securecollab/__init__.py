"""Secure collaboration on data and models, inside Jupyter."""

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    # Imported by the server only: a kernel must not load the vault side.
    from .server.app import SecureCollabApp

    return [{"module": "jupyter_securecollab.server.app", "app": SecureCollabApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-securecollab"}]
