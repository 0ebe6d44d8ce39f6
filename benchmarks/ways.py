"""Ways to hand a frame to somebody: ours, without any protection, and what people do today. Each writes and reads."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Protocol

import pandas as pd
from cryptography.fernet import Fernet

import jupyter_securecollab as collab


class Handing(Protocol):
    """One way. What `write` leaves, `read` finds, also from another process given the same folder."""

    def write(self, frame: pd.DataFrame) -> None:
        """Put the frame where others can get it."""

    def read(self) -> pd.DataFrame:
        """Get it."""


class Vault:
    """`share` and `open` through the server that this process's environment names."""

    def __init__(self, folder: Path) -> None:
        self.name = f"bench/{folder.name.rstrip('_')}"  # temporary folders may end so, names may not

    def write(self, frame: pd.DataFrame) -> None:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            collab.share(frame, self.name, yes=True)

    def read(self, columns: str | None = None) -> pd.DataFrame:
        with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            opened: pd.DataFrame = collab.open(self.name, columns=columns)
        return opened


class Parquet:
    """`to_parquet` and `read_parquet`, in the clear."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "frame.parquet"

    def write(self, frame: pd.DataFrame) -> None:
        frame.to_parquet(self._file)

    def read(self) -> pd.DataFrame:
        return pd.read_parquet(self._file)


class PickleFernet:
    """A pickle encrypted with Fernet."""

    def __init__(self, folder: Path) -> None:
        self._file, self._fernet = folder / "frame.fernet", Fernet(b"Zm9yIG1lYXN1cmVtZW50cyBvbmx5LCBubyBzZWNyZXQ=")

    def write(self, frame: pd.DataFrame) -> None:
        self._file.write_bytes(self._fernet.encrypt(pickle.dumps(frame, protocol=5)))

    def read(self) -> pd.DataFrame:
        found: pd.DataFrame = pickle.loads(self._fernet.decrypt(self._file.read_bytes()))  # noqa: S301 - what is compared with
        return found


class CsvGpg:
    """A CSV file encrypted with `gpg --symmetric`. Types have to be told again while reading."""

    def __init__(self, folder: Path) -> None:
        self._file, self._home = folder / "frame.csv.gpg", folder / "gpg"
        self._home.mkdir(mode=0o700, exist_ok=True)
        options = ("--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "for measurements")
        self._gpg = ("gpg", "--homedir", str(self._home), *options)

    def write(self, frame: pd.DataFrame) -> None:
        plain = self._file.with_suffix("")
        frame.to_csv(plain, index=False)
        subprocess.run([*self._gpg, "--output", self._file, "--symmetric", plain], check=True)
        plain.unlink()

    def read(self) -> pd.DataFrame:
        plain = self._file.with_suffix("")
        subprocess.run([*self._gpg, "--output", plain, "--decrypt", self._file], check=True, stderr=subprocess.DEVNULL)
        frame = pd.read_csv(plain, parse_dates=["at"], dtype={"quantity": "int32"})
        plain.unlink()
        return frame

    def close(self) -> None:
        """gpg leaves a process behind that waits for more."""
        subprocess.run(["gpgconf", "--homedir", self._home, "--kill", "gpg-agent"], check=True)


WAYS: dict[str, type[Vault] | type[Parquet] | type[PickleFernet] | type[CsvGpg]] = {
    "parquet": Parquet,
    "vault": Vault,
    "pickle + Fernet": PickleFernet,
    **({"csv + gpg": CsvGpg} if shutil.which("gpg") else {}),
}
PLAIN, OURS, SLOW = "parquet", "vault", "csv + gpg"
