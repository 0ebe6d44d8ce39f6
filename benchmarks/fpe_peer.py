"""Run by another Python: texts encrypted one by one by ff3 (FF3-1) or fpr-ff1 (FF1), and the seconds it took, as JSON.

What to do is read from standard input. Environments for `PEERS`, where fpr-ff1 needs Python 3.12:

    uv venv --python 3.12 fpe && uv pip install --python fpe/bin/python ff3 fpr-ff1
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


def encryption(library: str, key: str, tweak: str, alphabet: str) -> Callable[[str], str]:
    """How a library encrypts a text; key and tweak in hexadecimal."""
    if library == "ff3":
        from ff3 import FF3Cipher

        encrypt: Callable[[str], str] = FF3Cipher.withCustomAlphabet(key, tweak, alphabet).encrypt
        return encrypt
    from fpr_ff1 import FF1

    backend = library.partition(" ")[2] or "python"
    made: Callable[[str], str] = FF1(
        key=bytes.fromhex(key), radix=len(alphabet), alphabet=alphabet, tweak=bytes.fromhex(tweak), backend=backend
    ).encrypt
    return made


def main() -> None:
    """Print a line for each list of texts."""
    for job in json.load(sys.stdin):
        texts = job.pop("texts")
        encrypt = encryption(**job)
        began = time.perf_counter()
        made = [encrypt(text) for text in texts]
        print(json.dumps({"seconds": time.perf_counter() - began, "made": made}))


if __name__ == "__main__":
    main()
