"""Run by another Python: seconds DataProfiler takes to label CSV files, and its labels, a line of JSON each.

With the network that comes in its package, and nothing computed but types and labels. An environment for `PEERS`:

    uv venv --python 3.11 profiler && uv pip install --python profiler/bin/python 'DataProfiler[ml]'

Two and a half gigabytes, most of them tensorflow, without which DataProfiler gives no column a label.
"""

from __future__ import annotations

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import dataprofiler
import pandas as pd

WITHOUT = ("int", "float", "text", "datetime", "order", "category", "chi2_homogeneity", "multiprocess")
"""What it computes beside labels, and processes of its own, which would take longer to begin than to work."""


def profile(table: pd.DataFrame, labeler: object) -> dict[str, list[str]]:
    """The labels of each column, which are several where it is not sure."""
    options = dataprofiler.ProfilerOptions()
    options.set({f"structured_options.{one}.is_enabled": False for one in WITHOUT})
    options.set({"structured_options.data_labeler.data_labeler_object": labeler})
    report = dataprofiler.Profiler(table, options=options).report()
    return {one["column_name"]: (one["data_label"] or "").split("|") for one in report["data_stats"]}


if __name__ == "__main__":
    dataprofiler.set_verbosity(40)
    dataprofiler.set_seed(0)
    labeler = dataprofiler.DataLabeler(labeler_type="structured")
    profile(pd.DataFrame({"one": [f"{number}@example.org" for number in range(20)]}), labeler)
    for name in sys.argv[1:]:
        table = pd.read_csv(name, dtype=str, keep_default_na=False)
        began = time.perf_counter()
        labels = profile(table, labeler)
        print(json.dumps({"seconds": time.perf_counter() - began, "labels": labels}), flush=True)
