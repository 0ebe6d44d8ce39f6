"""Secure collaboration on data and models, inside Jupyter.

    import jupyter_securecollab as collab

    collab.share(patients, "oncology/patients", people="@analysts", until="30d")
    patients = collab.open("oncology/patients")

The verbs are loaded when first used: importing this package loads neither pandas nor tornado. `open` is left out of
`__all__`, so that `import *` never takes Python's own `open` away.
"""

import importlib

TYPE_CHECKING = False  # known to type checkers; `typing` itself would double what importing this package costs
if TYPE_CHECKING:
    from typing import Any

    from .notebook import load_ipython_extension as load_ipython_extension
    from .notebook import unload_ipython_extension as unload_ipython_extension
    from .notebook.executed import executions
    from .notebook.joining import join, joins
    from .notebook.masking import mask
    from .notebook.opening import open as open
    from .notebook.reviewing import classify, remembered
    from .notebook.risks import disclosures, risk
    from .notebook.sharing import share
    from .notebook.unmasking import unmask
    from .notebook.verbs import access, audit, shares, unshare, vault, versions

__version__ = "0.1.0"

__all__ = [
    "access",
    "audit",
    "classify",
    "disclosures",
    "executions",
    "join",
    "joins",
    "mask",
    "remembered",
    "risk",
    "share",
    "shares",
    "unmask",
    "unshare",
    "vault",
    "versions",
]

_PLACES = {
    "load_ipython_extension": "notebook",
    "unload_ipython_extension": "notebook",
    "executions": "notebook.executed",
    "join": "notebook.joining",
    "joins": "notebook.joining",
    "open": "notebook.opening",
    **dict.fromkeys(("disclosures", "risk"), "notebook.risks"),
    "mask": "notebook.masking",
    "share": "notebook.sharing",
    "unmask": "notebook.unmasking",
    "classify": "notebook.reviewing",
    "remembered": "notebook.reviewing",
    **dict.fromkeys(("access", "audit", "shares", "unshare", "vault", "versions"), "notebook.verbs"),
}


def __getattr__(name: str) -> "Any":
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    # What completion offers: verbs, and not the modules they are made of.
    return sorted({"open", *__all__, *(name for name in globals() if name.startswith("__"))})


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    # By name, and only when a server asks: nothing on the kernel's side may reach the vault's.
    app = importlib.import_module(f"{__name__}.server.extension.app")
    return [{"module": app.__name__, "app": app.SecureCollabApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-securecollab"}]
