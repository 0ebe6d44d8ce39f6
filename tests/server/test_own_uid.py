"""Under whose user a recorder starts kernels, and what it wants to be sure of before it starts at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_securecollab.errors import Denied, Invalid
from jupyter_securecollab.server.extension.own_uid import OwnAccount, OwnUidFactory, writable_by_others

US = (0, os.geteuid())


def factory(**accounts: str) -> OwnUidFactory:
    return OwnUidFactory(accounts=accounts)


def test_a_person_is_the_user_the_administrator_says() -> None:
    assert factory(alice="30001:30002:/home/of:alice").account("alice") == OwnAccount(30001, 30002, "/home/of:alice")


@pytest.mark.parametrize("account", [
    "0:0:/root", "1000:0:/home/a", "999:999:/home/a", "-1:1000:/home/a", f"{os.geteuid()}:1000:/home/a",
    "65534:65534:/", "30001:65534:/", "4294967295:1000:/", "30001:4294967295:/", "4294967296:1000:/",
])  # fmt: skip
def test_nobody_is_root_or_a_user_of_the_systems_or_the_recorder(account: str) -> None:
    with pytest.raises(Denied):
        factory(alice=account).account("alice")


@pytest.mark.parametrize("person", ["root", "daemon", "nobody", "nobody-is-called-so", "", "../etc"])
def test_nor_is_whoever_has_no_user_or_is_called_as_one_of_the_systems(person: str) -> None:
    with pytest.raises(Denied):
        factory().account(person)


@pytest.mark.parametrize("account", ["alice", "1000:1000", "x:1000:/home/a"])
def test_what_cannot_be_understood_is_said_to_be_so(account: str) -> None:
    with pytest.raises(Invalid):
        factory(alice=account).account("alice")


def test_places_that_others_may_change_are_found_through_links_too(tmp_path: Path) -> None:
    own, shared = tmp_path / "own", tmp_path / "shared"
    for folder, mode in ((own, 0o755), (shared, 0o777)):
        folder.mkdir()
        folder.chmod(mode)
    (own / "file").touch(0o644)
    (own / "link").symlink_to(shared)
    assert writable_by_others([own, own / "file", own / "not-there"], US) == ()
    found = [shared, shared / "not-there", own / "link"]
    assert list(writable_by_others(found, US)) == found
    shared.chmod(0o1777)
    assert writable_by_others([shared], US) == (shared,)
    (shared / "in-it").mkdir(0o755)
    assert writable_by_others([shared / "in-it"], US) == ()
    os.chown(own / "file", 30001, 30001) if os.geteuid() == 0 else (own / "file").chmod(0o666)
    assert writable_by_others([own / "file"], US) == (own / "file",)


def test_a_recorder_does_not_start_where_others_could_put_records_or_connection_files(tmp_path: Path) -> None:
    """Records found there would be believed, and a connection file put there would be given to whoever put it."""
    places = {name: tmp_path / name for name in ("records", "runtime", "home")}
    for name, place in places.items():
        place.mkdir()
        place.chmod(0o711 if name == "home" else 0o1777)
    environment = {
        **os.environ, "HOME": str(places["home"]), "JUPYTER_RUNTIME_DIR": str(places["runtime"]),
        "JUPYTER_CONFIG_DIR": str(places["home"]), "JUPYTERHUB_API_TOKEN": "its-own-token",
        "SECURECOLLAB_VAULT_URL": "http://127.0.0.1:9/services/securecollab",
    }  # fmt: skip
    command = ["-m", "jupyter_securecollab.server.extension.recorder", f"--KernelRecorder.folder={places['records']}"]
    done = subprocess.run(
        [sys.executable, *command, "--no-browser", "--port=0", "--allow-root"],
        env=environment, cwd="/", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = f"others could put something into {places['records']}, {places['runtime']}"
    assert (done.returncode, said in done.stderr, "its-own-token" in done.stderr) == (1, True, False)


@pytest.mark.parametrize("setting", ["audit_hooks=acknowledge", "record_code=plain"])
def test_a_recorder_does_not_pretend_to_do_what_it_does_not(tmp_path: Path, setting: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "SECURECOLLAB"))
    }
    environment |= {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {"JUPYTERHUB_API_TOKEN": "t", "SECURECOLLAB_VAULT_URL": "http://127.0.0.1:1/x"}
    command = [sys.executable, "-m", "jupyter_securecollab.server.extension.recorder", "--allow-root"]
    command += [f"--KernelRecorder.folder={tmp_path / 'own'}", f"--SecureCollabApp.{setting}"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"a recorder has no {setting.partition('=')[0]}" in done.stderr
