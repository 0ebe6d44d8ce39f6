"""The sidebar's types are those of the server's own protocol."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

from jupyter_securecollab.protocol import openapi

LABEXTENSION = Path(__file__).parent.parent / "labextension"
GENERATED = LABEXTENSION / "src" / "protocol.ts"


def typescript(document: dict[str, Any]) -> str:
    command = ["node", "node_modules/openapi-typescript/bin/cli.js"]
    result = subprocess.run(
        command, cwd=LABEXTENSION, input=json.dumps(document), capture_output=True, text=True, check=True
    )
    return result.stdout


def test_the_generated_types_are_up_to_date() -> None:
    assert typescript(openapi("any")) == GENERATED.read_text(), "run `make protocol`"


def test_a_changed_field_is_noticed() -> None:
    document = copy.deepcopy(openapi("any"))
    document["components"]["schemas"]["AssetSummary"]["properties"]["until"] = {"type": "integer"}
    assert typescript(document) != GENERATED.read_text()
