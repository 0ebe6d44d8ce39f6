"""Other classifiers: what their labels mean in our tags, which Python has them, and what they say of CSV files.

The environment variable PEERS names Pythons, with `:` between them; a peer is run by the first of them that has it, by
a small program (`presidio_peer`, `dataprofiler_peer`, `datahub_peer`, which say how to make such an environment).

Labels are read generously. Any of several may be the right one; coarser and finer ones are right as well; nothing is
held against a peer that is not called sensitive. What needs a model that has to be downloaded nobody is expected to
find.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .harness import Budget


class Found(NamedTuple):
    """What is said of a column: tags of which one has to be right, and whether it is called sensitive."""

    tags: frozenset[str]
    sensitive: bool


@dataclass(frozen=True, eq=False)
class Peer:
    """A classifier: the modules to import, what its labels mean, which of them are no claim that a column is sensitive.

    `labels` says for each the tags it stands for, and after `+` those that it is right for too where it is not expected
    to find them. A label that is harmless is right or says nothing. `lacks` is what it has no model for, `reads_names`
    whether names of columns make a difference to it, `budget` how much longer than ours it should take at least.
    """

    name: str
    modules: tuple[str, ...]
    program: str
    labels: Mapping[str, str]
    harmless: frozenset[str] = frozenset()
    lacks: str = ""
    reads_names: bool = False
    budget: Budget | None = None

    @property
    def knows(self) -> frozenset[str]:
        """The tags it is expected to find."""
        return frozenset(tag for tags in self.labels.values() for tag in tags.partition("+")[0].split())

    def found(self, labels: Sequence[str]) -> Found:
        """What these labels say of a column, the surest first."""
        tags = " ".join(self.labels.get(label, "") for label in labels).replace("+", " ").split()
        return Found(frozenset(tags), bool(labels) and labels[0] not in self.harmless)


PEERS = (
    Peer(
        "presidio-structured",
        ("presidio_structured",),
        "presidio_peer.py",
        {
            "CREDIT_CARD": "credit_card",
            "CRYPTO": "+ bank_account",
            "DATE_TIME": "date_of_birth + date_of_death",
            "EMAIL_ADDRESS": "email",
            "IBAN_CODE": "iban + bank_account",
            "IP_ADDRESS": "ip_address",
            "LOCATION": "+ address street city postcode country",
            "MAC_ADDRESS": "mac_address + device_id",
            "MEDICAL_LICENSE": "+ account_id",
            "NRP": "+ nationality religion ethnicity",
            "PERSON": "+ person_name first_name last_name maiden_name",
            "PHONE_NUMBER": "phone",
            "UK_NHS": "+ national_id medical_record_number",
            "URL": "url",
            "US_BANK_NUMBER": "bank_account",
            "US_DRIVER_LICENSE": "driver_license",
            "US_ITIN": "tax_id + us_ssn national_id",
            "US_PASSPORT": "passport",
            "US_SSN": "us_ssn + national_id tax_id",
            "UUID": "+ device_id account_id",
        },
        frozenset({"DATE_TIME", "UUID"}),
        lacks="people and places",
        budget=Budget(200, of="ratio", at_least=True),
    ),
    Peer(
        "DataProfiler",
        ("dataprofiler", "tensorflow"),
        "dataprofiler_peer.py",
        {
            "ADDRESS": "address street + city postcode",
            "BAN": "bank_account + iban",
            "CREDIT_CARD": "credit_card",
            "DATE": "date_of_birth + date_of_death",
            "DATETIME": "date_of_birth + date_of_death",
            "DRIVERS_LICENSE": "driver_license",
            "EMAIL_ADDRESS": "email",
            "HASH_OR_KEY": "secret_key + device_id password",
            "IPV4": "ip_address",
            "IPV6": "ip_address",
            "MAC_ADDRESS": "mac_address + device_id",
            "PERSON": "person_name first_name last_name maiden_name",
            "PHONE_NUMBER": "phone",
            "SSN": "us_ssn + national_id tax_id",
            "URL": "url",
            "UUID": "+ device_id account_id",
        },
        frozenset(
            {"", "UNKNOWN", "could not determine", "INTEGER", "FLOAT", "ORDINAL", "QUANTITY", "US_STATE"}
            | {"DATE", "DATETIME", "TIME", "HASH_OR_KEY", "UUID"}
        ),
    ),
    Peer(
        "datahub-classify",
        ("datahub_classify",),
        "datahub_peer.py",
        {
            "Age": "age",
            "Credit_Debit_Card_Number": "credit_card",
            "Email_Address": "email",
            "Full_Name": "+ person_name first_name last_name maiden_name",
            "Gender": "gender",
            "IBAN": "iban + bank_account",
            "IP_Address_v4": "ip_address",
            "IP_Address_v6": "ip_address",
            "Phone_Number": "phone",
            "Street_Address": "+ address street",
            "Swift_Code": "swift_bic",
            "US_Driving_License_Number": "driver_license",
            "US_Social_Security_Number": "us_ssn + national_id tax_id",
            "Vehicle_Identification_Number": "vehicle_id",
        },
        lacks="names of people and streets",
        reads_names=True,
    ),
)


class Told(NamedTuple):
    """What is said of the columns of a file, and the seconds it took."""

    seconds: float
    found: dict[str, Found]


def python_with(*modules: str) -> str | None:
    """The first Python in PEERS that has these modules."""
    look = f"import importlib.util, sys; sys.exit(None in map(importlib.util.find_spec, {modules!r}))"
    for python in filter(None, os.environ.get("PEERS", "").split(":")):
        if subprocess.run([python, "-c", look], check=False).returncode == 0:
            return python
    return None


def theirs(peer: Peer, python: str, files: Sequence[Path]) -> list[Told]:
    """What a peer says of these files."""
    command = [python, "-W", "ignore", str(Path(__file__).with_name(peer.program)), *map(str, files)]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    lines = [json.loads(line) for line in said.splitlines() if line.startswith('{"seconds"')]
    return [Told(one["seconds"], {name: peer.found(labels) for name, labels in one["labels"].items()}) for one in lines]
