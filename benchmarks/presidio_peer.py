"""Run by another Python: seconds presidio-structured takes to analyse CSV files, and its labels, a line of JSON each.

With its own recognizers and a blank English pipeline of spaCy, since models have to be downloaded; and of its ways to
choose among what it finds in a column the one that is right most often. An environment for `PEERS`, apart from ours:

    uv venv --python 3.11 peers && uv pip install --python peers/bin/python presidio-structured statsmodels pycanon
    make bench-frames PEERS=$PWD/peers/bin/python

More of them are named with `:` between them (`dataprofiler_peer`, `datahub_peer`).
"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
import spacy
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_structured import PandasAnalysisBuilder


class Blank(SpacyNlpEngine):
    """spaCy without a model."""

    def __init__(self) -> None:
        super().__init__()
        self.nlp = {"en": spacy.blank("en")}

    def load(self) -> None:
        """Nothing to load."""


def analyse(builder: PandasAnalysisBuilder, table: pd.DataFrame) -> dict[str, list[str]]:
    """The label of each column, where it has one."""
    found = builder.generate_analysis(table, selection_strategy="mixed").entity_mapping
    return {name: [found[name]] if name in found else [] for name in table}


if __name__ == "__main__":
    builder = PandasAnalysisBuilder(analyzer=AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"]))
    analyse(builder, pd.DataFrame({"one": [f"{number}@example.org" for number in range(5)]}))
    for name in sys.argv[1:]:
        table = pd.read_csv(name, dtype=str, keep_default_na=False)
        began = time.perf_counter()
        labels = analyse(builder, table)
        print(json.dumps({"seconds": time.perf_counter() - began, "labels": labels}), flush=True)
