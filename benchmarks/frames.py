"""The frame that is shared: 12 columns of the kinds that tables in notebooks have, the same ones every time."""

from __future__ import annotations

import numpy as np
import pandas as pd


def mixed(rows: int) -> pd.DataFrame:
    """12 columns: 6 of numbers, a flag, 2 with few values, names of hosts, hashes, times. None looks sensitive."""
    rng = np.random.default_rng(20_240_101)
    hosts = pd.array([f"u{number}.example.org" for number in range(200_000)], dtype="str")
    digits = rng.bytes(16 * rows).hex()
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "quantity": rng.integers(0, 100, rows).astype("int32"),
            "code": rng.integers(0, 10**9, rows),
            "price": rng.normal(100, 10, rows).round(2),
            "share": rng.random(rows),
            "rate": rng.random(rows).round(3),
            "flag": rng.random(rows) < 0.5,
            "country": rng.choice(np.array(["DE", "FR", "US", "UK"]), rows),
            "status": rng.choice(np.array(["open", "closed", "pending"]), rows),
            "link": hosts.take(rng.integers(0, 200_000, rows)),
            "hash": [digits[32 * row : 32 * row + 32] for row in range(rows)],
            "at": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**7, rows), unit="s"),
        }
    )
