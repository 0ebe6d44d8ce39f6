"""A vault opened from its folder: what it makes, what it refuses to begin without, and how a server says so."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from material import parcel
from serving import served, share

from jupyter_securecollab.core.collaboration import Collaboration, Settings
from jupyter_securecollab.errors import StoreBroken, Unavailable
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.server.vault import open_vault, operator

ROOT = Caller(operator(), "cli", "s")


def opened(folder: Path, **options) -> Collaboration:
    return open_vault(folder, Settings(), **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A vault that was used and closed."""
    folder = tmp_path / "vault"
    with closing(opened(folder)) as door:
        door.begin(ROOT, name="a/b", kind="file", levels=[Level.SECRET])
    return folder


def test_everything_in_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir(mode=0o755)
    with closing(opened(tmp_path / "vault")):
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "vault").iterdir()}
    assert (tmp_path / "vault").stat().st_mode & 0o777 == 0o700
    assert {"vault.sqlite", "vault.sqlite-wal", "root.key", "log.key"} <= set(modes) and set(modes.values()) == {0o600}


def test_whoever_founds_it_administers_it(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as door:
        assert door.me(ROOT).roles == ("member", "steward", "admin")


def test_opened_again_it_is_the_same_vault(folder: Path) -> None:
    with closing(opened(folder)) as first:
        key = first.log_key
    with closing(opened(folder)) as second:
        assert second.log_key == key and second.verify(state=True).size > 1


@pytest.mark.parametrize("name", ["root.key", "log.key"])
def test_a_missing_key_is_never_made_anew(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(StoreBroken, match=f"{name} is missing") as error:
        opened(folder)
    assert "restore" in error.value.next_step and not (folder / name).exists()


@pytest.mark.parametrize("name", ["root.key", "log.key"])
def test_the_wrong_key_is_noticed_at_the_start(folder: Path, name: str) -> None:
    right = (folder / name).read_bytes()
    (folder / name).write_bytes(b"\x07" * 32)
    with pytest.raises(StoreBroken):
        opened(folder)
    (folder / name).write_bytes(right)
    opened(folder).close()


def test_a_lost_database_is_not_begun_anew_beside_its_keys(folder: Path) -> None:
    for path in folder.glob("vault.sqlite*"):
        path.unlink()
    with pytest.raises(StoreBroken, match="its database is empty") as error:
        opened(folder)
    assert error.value.next_step.startswith("Restore the database")


def test_a_database_whose_log_was_emptied_is_refused(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "vault.sqlite")) as connection, connection:
        connection.execute("DELETE FROM checkpoint")
    with pytest.raises(StoreBroken):
        opened(folder)


def test_checkpoints_are_copied_to_a_second_folder(folder: Path, tmp_path: Path) -> None:
    with closing(opened(folder, copies=tmp_path / "copies")) as door:
        door.add_user(ROOT, name="alice")
        newest = door.head().checkpoint
    assert sorted((tmp_path / "copies").iterdir())[-1].read_text() == newest


def test_a_folder_that_cannot_be_made_is_a_plain_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        opened(tmp_path / "file" / "vault")


@pytest.mark.parametrize("damage", ["garbage", "no log key"])
def test_server_does_not_start_on_a_broken_vault_and_says_what_to_do(folder: Path, tmp_path: Path, damage: str) -> None:
    if damage == "garbage":
        (folder / "vault.sqlite").write_bytes(b"garbage" * 1000)
    else:
        (folder / "log.key").unlink()
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *("--ServerApp.port=0", f"--SecureCollabApp.folder={folder}", f"--ServerApp.root_dir={tmp_path}"),
        "--ServerApp.jpserver_extensions={'jupyter_securecollab': True}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Stop the vault and restore database, keys and objects from one backup." in done.stderr
    assert "Traceback" not in done.stderr and "is running at" not in done.stderr


@pytest.mark.parametrize("setting", ["vault_log_key=x", "vault_witnesses=1 x"])
def test_server_does_not_open_a_vault_of_its_own_where_a_service_was_meant(tmp_path: Path, setting: str) -> None:
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.port=0"),
        *(f"--SecureCollabApp.folder={tmp_path / 'vault'}", f"--SecureCollabApp.{setting}"),
        "--ServerApp.jpserver_extensions={'jupyter_securecollab': True}",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and f"{setting.partition('=')[0]}: of a vault that is a service" in done.stderr
    assert not (tmp_path / "vault").exists()


def test_vault_killed_in_the_middle_of_an_upload_goes_on_afterwards(tmp_path: Path) -> None:
    """Down: an error that says so. Up again: the half upload does not count, and the version can be finished."""
    with served(tmp_path) as server:
        client = server.client("alice")
        share(client, "a/b")
        begun = client.begin("a/b", "frame", (Level.INTERNAL, Level.SECRET))
        made = parcel(begun, content="second", size=5_000_000)
        data = made.parts[Level.SECRET, 0]

        def dying():
            yield data[:4_500_000]
            server.stop(signal.SIGKILL)
            yield data[4_500_000:]

        with pytest.raises(Unavailable, match="does not answer"):
            client.upload(begun.version, Level.SECRET, 0, dying())
        with pytest.raises(Unavailable):
            client.open("a/b")
        server.start()
        assert client.open("a/b").number == 1
        for (level, partition), part in made.parts.items():
            client.upload(begun.version, level, partition, [part])
        assert client.commit(begun.version, made.top, made.levels, made.fingerprint).number == 2
        client.close()
