"""Risk in real kernels: measured by names and by tags, shown before sharing, and brought down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from notebook_kernels import Kernel

Kernels = Callable[[str | None], Kernel]

PATIENTS = """
import pandas as pd, polars as pl
import jupyter_securecollab as collab
patients = pd.DataFrame({
    "zip": ["02139", "02138", "02141", "01013", "01020", "01001"] * 2, "sex": list("fmfmfm") * 2,
    "cost": [1.5, 2.5, 3.5, 1.5, 2.5, 3.5] * 2, "ward": ["a"] * 12,
})
%classify patients --set zip=internal
"""


@pytest.fixture(scope="module")
def alice(kernel: Kernels) -> Kernel:
    kernel("alice").ok(PATIENTS)
    return kernel("alice")


def test_risk_is_measured_and_explained(alice: Kernel) -> None:
    shown = alice.ok("collab.risk(patients, ['zip', 'sex'], ['cost', 'ward'])")
    assert "k = 2" in shown.text and "12 in 6 classes" in shown.text and "50.0% at worst" in shown.text
    alice.ok("measured = collab.risk(patients, ['zip', 'sex'], ['cost']).risk")
    alice.ok("assert (measured.k, measured.classes, measured.sensitive[0].l) == (2, 6, 1), measured")


def test_columns_are_taken_by_their_tags(alice: Kernel) -> None:
    assert "zip" in alice.ok("collab.risk(patients)").text
    none = alice.run("collab.risk(patients[['cost', 'ward']])")
    assert none.error == "Invalid" and "Name such columns" in none.traceback


@pytest.mark.parametrize("made", ["patients", "pl.from_pandas(patients)"])
def test_a_copy_is_generalised_until_rows_look_alike(alice: Kernel, made: str) -> None:
    alice.ok(f"mine = {made}\n%classify mine --set zip=internal\nbefore = list(mine['zip'])")
    assert "generalise:1" in alice.ok("%mask mine --up-to internal --k 5 --preview").text
    shown = alice.ok("alike = %mask mine --up-to internal --k 5")
    assert "looks like at least 5 others" in shown.text
    alice.ok("assert collab.risk(alike, ['zip', 'sex']).risk.k == 6 and list(mine['zip']) == before, alike")


@pytest.mark.parametrize("k", ["1", "five", "13"])
def test_what_k_cannot_be_is_said(alice: Kernel, k: str) -> None:
    assert alice.run(f"%mask patients --k {k}").error == "Invalid"


def test_a_preview_shows_the_risk_of_each_view(alice: Kernel) -> None:
    shown = alice.ok("%share patients --as risk/first --with bob --preview")
    assert "Risk: k = 2, 0 of 12 rows are alone by zip, sex" in shown.text
    alice.ok("harmless = patients[['cost', 'ward']]")
    assert "Risk" not in alice.ok("%share harmless --as risk/second --with bob --preview").text


def test_tables_to_be_published_are_checked_also_against_an_earlier_version(alice: Kernel) -> None:
    shown = alice.ok("collab.disclosures(patients, by=['zip'], totals=['cost'], sensitive=['sex'])")
    assert "small cell" in shown.text and "class disclosure" in shown.text and "02139" in shown.text
    assert "no cell breaks a rule" in alice.ok("collab.disclosures(patients, 'ward')").text
    alice.ok("%classify patients --set ward=internal cost=internal sex=internal --accept")
    alice.ok("%share patients --as risk/published --up-to secret")
    alice.ok("one_less = patients.iloc[1:]")
    shown = alice.ok("collab.disclosures(one_less, 'ward', earlier='risk/published', version=1)")
    assert "differencing" in shown.text
    assert "no cell breaks a rule" in alice.ok("collab.disclosures(patients, 'ward', earlier='risk/published')").text


@pytest.mark.parametrize(
    ("call", "error"),
    [("patients, 'ward', version=1", "Invalid"), ("patients, 'nosuch'", "NotFound"), ("5, 'ward'", "CannotHold"),
     ("patients, 'ward', totals=['zip']", "CannotHold"), ("patients, 'ward', earlier='risk/nosuch'", "Denied")],
)  # fmt: skip
def test_what_cannot_be_checked_is_said(alice: Kernel, call: str, error: str) -> None:
    assert alice.run(f"collab.disclosures({call})").error == error


def test_an_index_that_others_may_know_keeps_rows_from_being_called_alike(alice: Kernel) -> None:
    alice.ok("by_age = patients.assign(age=range(30, 42)).set_index('age')")
    for line in ("%mask by_age --up-to internal --k 3", "%mask by_age --up-to internal --k 3 --preview"):
        refused = alice.run(line)
        assert refused.error == "Invalid" and "'age'" in refused.traceback and ".reset_index()" in refused.traceback
    shown = alice.ok("as_column = by_age.reset_index()\n_ = %mask as_column --up-to internal --k 3")
    assert "every row looks like" in shown.text and "age (generalise, then null), zip (generalise:3)" in shown.text
