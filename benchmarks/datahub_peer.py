"""Run by another Python: seconds acryl-datahub-classify takes for CSV files, and its labels, a line of JSON each.

With the configuration that it ships, DataHub's threshold, and a blank English pipeline of spaCy in place of the model
that it would download on import. An environment for `PEERS`:

    uv venv --python 3.11 datahub && uv pip install --python datahub/bin/python acryl-datahub-classify click
"""

from __future__ import annotations

import csv
import json
import logging
import sys
import time
from copy import deepcopy
from pathlib import Path

import spacy

spacy.load = lambda name: spacy.blank("en")  # what comes next loads it, or downloads it

from datahub_classify.helper_classes import ColumnInfo, Metadata  # noqa: E402
from datahub_classify.infotype_predictor import predict_infotypes  # noqa: E402
from datahub_classify.reference_input import input1 as configuration  # noqa: E402

THRESHOLD = 0.6
"""Of confidence: what DataHub's own configuration begins with."""


def classify(rows: list[dict[str, str]]) -> dict[str, list[str]]:
    """What each column is proposed to be, the surest first."""
    columns = [ColumnInfo(Metadata({"Name": name}), [row[name] for row in rows]) for name in rows[0]]
    return {
        one.metadata.name: [
            proposal.infotype
            for proposal in sorted(one.infotype_proposals, key=lambda it: it.confidence_level, reverse=True)
        ]
        for one in predict_infotypes(columns, THRESHOLD, deepcopy(configuration))
    }


if __name__ == "__main__":
    logging.disable()
    classify([{"one": f"{number}@example.org"} for number in range(100)])
    for name in sys.argv[1:]:
        with Path(name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        began = time.perf_counter()
        labels = classify(rows)
        print(json.dumps({"seconds": time.perf_counter() - began, "labels": labels}), flush=True)
