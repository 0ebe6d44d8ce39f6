"""The main job, through real kernels and a real server."""

from __future__ import annotations

from collections.abc import Callable

from notebook_kernels import Kernel

PATIENTS = """
import pandas as pd
patients = pd.DataFrame({"SSN": ["999-76-6866", "999-73-5361"], "FIRST": ["José", "Milo"], "age": [31, 40], "city": ["Lynn", None]})
"""


def test_alice_shares_and_bob_gets_masked_copies(kernel: Callable[[str], Kernel]) -> None:
    alice, bob = kernel("alice"), kernel("bob")
    alice.ok(PATIENTS)
    print(alice.ok("%vault").text)
    print(alice.ok("%classify patients --accept").text)
    shared = alice.ok("%share patients --as clinic/first --with @analysts --until 30d")
    print(shared.text)
    opened = bob.ok("p = %open clinic/first\nprint(p)")
    print(opened.text)
    print(bob.ok("%shares\n%access clinic/first\n%versions clinic/first\n%audit clinic/first").text)
    print(bob.run("%open clinic/first --up-to secret").text)
    print(alice.ok("%unshare clinic/first --with bob").text)
    print(bob.run("%open clinic/first").text)
    assert 0
