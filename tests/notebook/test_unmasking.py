"""Tokens and back, through real kernels and a real vault; and tokens of anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from notebook_kernels import Kernel

from jupyter_securecollab.errors import Invalid, SealBroken
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column, unmask_column

Kernels = Callable[[str | None], Kernel]

KEY = MaskKey(bytes(range(32)))
NAMES = ["Ann", None, "Zoë", "Ann", "", "CANARY"]


@pytest.mark.parametrize("values", [
    pd.Series(NAMES), pd.Series(NAMES, dtype="string[pyarrow]"), pd.Series(NAMES, dtype="category"),
    pd.Series(NAMES, index=[7] * 6, name="n"), pl.Series("n", NAMES), pl.Series("n", NAMES, dtype=pl.Categorical),
    pa.chunked_array([NAMES[:2], NAMES[2:]]), pa.array(NAMES).dictionary_encode(), pa.array(NAMES, pa.large_string()),
], ids=lambda one: f"{type(one).__module__}-{getattr(one, 'dtype', getattr(one, 'type', ''))}")  # fmt: skip
def test_tokens_come_back_as_what_they_were_in_every_library(values: Any) -> None:
    tokens = mask_column(values, "token", None, key=KEY)
    back = unmask_column(tokens, KEY)
    assert type(back) is type(values) and "CANARY" not in str(tokens)
    listed = back.to_pylist() if hasattr(back, "to_pylist") else list(back)
    assert [one if isinstance(one, str) else None for one in listed] == NAMES
    with pytest.raises(SealBroken):
        unmask_column(tokens, MaskKey(bytes(32)))


@pytest.mark.parametrize("wrong", [["Ann"], ["YWJj"], ["é"], ["A" * 5000], [""], ["=" * 40]])
def test_what_is_no_token_is_one_opaque_error(wrong: list[str]) -> None:
    token = mask_column(pd.Series(["CANARY"]), "token", None, key=KEY)[0]
    for mixed in (wrong, [token, *wrong], [token[:-2]], [token + "A" * 4], [token.swapcase()]):
        with pytest.raises(SealBroken) as caught:
            unmask_column(pd.Series(mixed), KEY)
        assert "CANARY" not in repr(caught.value) and str(caught.value) == str(SealBroken())


def test_columns_that_are_not_text_hold_no_tokens() -> None:
    with pytest.raises(Invalid):
        unmask_column(pd.Series([1, 2]), KEY)


# ---- through the vault -------------------------------------------------------------------------------------------

SHARED = """
import pandas as pd, jupyter_securecollab as collab
x = pd.DataFrame({"SSN": ["999-76-6866", "999-73-5361", None], "MRN": ["M-1", "M-2", "M-3"], "n": [1, 2, 3]})
%classify x --set SSN=confidential MRN=confidential n=internal
%share x --as unmask/one --with bob erin --mask SSN=token MRN=token --yes
%share unmask/one --with erin --up-to confidential
%share x --as unmask/two --with bob --mask SSN=token MRN=token --yes
"""
CANARIES = ("999-76-6866", "999-73-5361")
WHY = "--because 'to call them back'"


@pytest.fixture(scope="module")
def bob(kernel: Kernels) -> Kernel:
    """Bob, who reads up to internal and holds tokens of both assets; they lie where others find them."""
    kernel("alice").ok(SHARED)
    kernel("bob").ok("""
one = %open unmask/one
two = %open unmask/two
one.to_json("../tokens-one.json")
two.to_json("../tokens-two.json")
""")
    return kernel("bob")


@pytest.fixture(scope="module")
def erin(bob: Kernel, kernel: Kernels) -> Kernel:
    """Erin, who may open the columns of the first asset, with the tokens bob gave her."""
    erin = kernel("erin")
    erin.ok("""
import pandas as pd, jupyter_securecollab as collab
one, two = (pd.read_json(f"../tokens-{n}.json", convert_dates=False) for n in ("one", "two"))
""")
    return erin


def test_who_may_open_the_column_gets_its_values_back_and_that_is_on_record(erin: Kernel) -> None:
    ran = erin.ok(f"clear = %unmask one --of unmask/one --column SSN {WHY}\nprint(clear.SSN.tolist(), list(one.SSN))")
    assert "['999-76-6866', '999-73-5361', nan]" in ran.text and "unmasked from unmask/one, version 1" in ran.text
    assert "receipt" in ran.text and ran.printed.count("999-76-6866") == 1  # `one` is as it was
    assert "MRN" not in ran.printed and "M-1" not in erin.ok("print(clear.MRN.tolist())").printed
    assert "unmask" in erin.ok("%audit --by erin").text
    entry = erin.ok("print(collab.audit(by='erin')[-1].body.decode())").printed
    assert '"because":"to call them back"' in entry and '"columns":["SSN"]' in entry and "999-" not in entry


def test_in_python_and_for_a_single_column_under_any_name(erin: Kernel) -> None:
    ran = erin.ok(
        "s = collab.unmask(one['MRN'].rename('x')[1:], 'unmask/one', column='MRN', because='why?')\nprint(s.to_dict())"
    )
    assert "{'1': 'M-2', '2': 'M-3'}" in ran.text.replace("1:", "'1':").replace("2:", "'2':").replace("''", "'")


def test_what_was_unmasked_is_not_forgotten_to_be_sensitive(erin: Kernel) -> None:
    erin.ok(f"clear = %unmask one --of unmask/one --column SSN {WHY}")
    assert "confidential" in erin.ok("print(collab.classify(clear).labels['SSN'].level)").printed


def test_a_masked_reader_is_refused_and_the_refusal_is_on_record(bob: Kernel) -> None:
    ran = bob.run(f"%unmask one --of unmask/one --column SSN {WHY}")
    assert ran.error == "Denied" and "confidential" not in ran.traceback and "ask" in ran.traceback.lower()
    assert "denied" in bob.ok("%audit --by bob").text


@pytest.mark.parametrize("line", [
    "%unmask two --of unmask/one --column SSN",  # of another asset
    "%unmask one --of unmask/one --column MRN --version 1",  # replaced below by the other column's tokens
], ids=["asset", "column"])  # fmt: skip
def test_tokens_of_something_else_are_one_opaque_error(erin: Kernel, line: str) -> None:
    ran = erin.run(f"one['MRN'] = one['SSN']\n{line} {WHY}")
    assert ran.error == "SealBroken"
    assert not any(canary in ran.text for canary in CANARIES)
    erin.ok("one = pd.read_json('../tokens-one.json', convert_dates=False)")


def test_an_asset_one_has_nothing_to_do_with_is_refused(erin: Kernel) -> None:
    assert erin.run(f"%unmask two --of unmask/two --column SSN {WHY}").error == "Denied"
    assert erin.run(f"%unmask two --of unmask/none --column SSN {WHY}").error == "Denied"


@pytest.mark.parametrize(("line", "error"), [
    ("%unmask one --of unmask/one --column nothing --because x", "Invalid"),
    ("%unmask one --of unmask/one --column n --because x", "Invalid"),
    ("%unmask one --of unmask/one --column SSN", "Invalid"),
    ("%unmask one --of unmask/one --column SSN --because ' '", "Invalid"),
    ("%unmask one --column SSN --because x", "Invalid"),
    ("%unmask one --of unmask/one --because x", "Invalid"),
    ("%unmask one --of nonsense --column SSN --because x", "InvalidName"),
    ("%unmask one --of unmask/one --column SSN --because x --version 9", "NotFound"),
    ("collab.unmask(3, 'unmask/one', column='SSN', because='x')", "CannotHold"),
    ("collab.unmask(one.n, 'unmask/one', column='SSN', because='x')", "Invalid"),
    ("collab.unmask(one, 'unmask/one', column='SSN', because='x' * 3000)", "TooLarge"),
])  # fmt: skip
def test_what_cannot_be_is_said_before_a_key_is_asked_for(erin: Kernel, line: str, error: str) -> None:
    count = "print('entries', sum(b'\"act\":\"unmask\"' in one.body for one in collab.audit(by='erin')))"
    before = erin.ok(count).printed
    assert erin.run(line).error == error
    assert erin.ok(count).printed == before


def test_access_that_has_ended_unmasks_nothing(erin: Kernel, kernel: Kernels) -> None:
    kernel("alice").ok("%unshare unmask/one --with erin")
    assert erin.run(f"%unmask one --of unmask/one --column SSN {WHY}").error == "Denied"
