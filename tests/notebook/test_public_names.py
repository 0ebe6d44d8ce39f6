"""The package itself: cheap to import, and its public names lead to the verbs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import jupyter_securecollab as collab


def test_importing_the_package_loads_neither_data_nor_server_libraries() -> None:
    heavy = "pandas polars pyarrow numpy tornado jupyter_server IPython httpx cryptography sqlalchemy msgspec"
    code = f"import sys, jupyter_securecollab; print([name for name in {heavy.split()} if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_loading_the_extension_loads_no_data_libraries() -> None:
    heavy = ["pandas", "polars", "pyarrow", "httpx", "cryptography"]
    code = (
        "import sys, jupyter_securecollab; from IPython.core.interactiveshell import InteractiveShell;"
        "jupyter_securecollab.load_ipython_extension(InteractiveShell());"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


@pytest.mark.parametrize("name", [*collab.__all__, "open"])
def test_every_public_name_is_a_verb(name: str) -> None:
    assert callable(getattr(collab, name)) and name in dir(collab)


def test_other_names_are_missing_as_usual() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nosuch'"):
        _ = collab.nosuch
    assert "open" not in collab.__all__


def test_completion_offers_verbs_and_no_modules() -> None:
    offered = {name for name in dir(collab) if not name.startswith("__")}
    assert offered == {*collab.__all__, "open"}
