"""Run by another Python: seconds presidio-structured takes to analyse a CSV file, after one run that does not count.

With its own recognizers and a blank English pipeline of spaCy, since models have to be downloaded. An environment for
`PEERS`, apart from ours:

    uv venv peers && uv pip install --python peers/bin/python presidio-structured statsmodels pycanon
    make bench-frames PEERS=$PWD/peers/bin/python
"""

from __future__ import annotations

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


if __name__ == "__main__":
    table = pd.read_csv(sys.argv[1], dtype=str, keep_default_na=False)
    builder = PandasAnalysisBuilder(analyzer=AnalyzerEngine(nlp_engine=Blank(), supported_languages=["en"]))
    builder.generate_analysis(table.head(5))
    began = time.perf_counter()
    builder.generate_analysis(table)
    print(time.perf_counter() - began)
