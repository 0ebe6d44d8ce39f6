"""The text of what real kernels execute: on no disk unless chosen, sealed where it is, read by the auditors."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from at_a_notebook import notebook, reply_to, request, runs_of
from serving import Served, served

from jupyter_securecollab.cli import main
from jupyter_securecollab.kept_code import make_auditors_key
from jupyter_securecollab.model import Caller
from jupyter_securecollab.server.vault import Settings, open_vault, operator

CANARY = "canary-7f3a"
CELL = f"word = '{CANARY}'"


async def run_some(server: Served) -> str:
    """Cells of all sorts with the canary in their code, and one with it in its output and in an answer; the kernel."""
    async with notebook(server, "alice", "secret.ipynb") as (_, kernel, socket):
        await socket.run(CELL)
        await socket.output_of(await socket.send("execute_request", request(CELL, silent=True)))
        asked = request("", user_expressions={"a": f"'{CANARY}'"})
        await reply_to(socket, await socket.send("execute_request", asked), "execute_reply")
        asking = await socket.send("execute_request", request("print('-7f3a'); answer = input()", allow_stdin=True))
        await reply_to(socket, asking, "input_request")
        await socket.send("input_reply", {"value": f"answered {CANARY}"}, channel="stdin")
        await reply_to(socket, asking, "execute_reply")
        await runs_of(server, kernel, 5)
    return kernel


def vault_files(server: Served) -> bytes:
    """All bytes of the vault, as they are while it runs: the database with its write-ahead log, and the rest."""
    found = {path.name: path.read_bytes() for path in (server.folder / "vault").rglob("*") if path.is_file()}
    assert len(found["vault.sqlite-wal"]) > 0
    return b"".join(found.values())


def shown(server: Served, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """What the auditor's command prints, and no error."""
    command = ["--folder", str(server.folder / "vault"), "audit", "show", "--executions", *options]
    assert main(command) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def said(server: Served) -> str:
    with closing(server.client("alice")) as client:
        return client.recording().code


async def test_by_default_no_code_is_on_any_disk(tmp_path: Path, capsys) -> None:
    with served(tmp_path) as server:
        await run_some(server)
        assert said(server) == "off"
        assert CANARY.encode() not in vault_files(server)
        assert CANARY not in server.log
        assert CANARY not in shown(server, capsys, "--code")


async def test_sealed_code_is_read_with_the_auditors_key_alone(tmp_path: Path, capsys) -> None:
    keys = [str(tmp_path / name) for name in ("auditors.pem", "others.pem")]
    public, _ = (make_auditors_key(Path(key)) for key in keys)
    options = ("--SecureCollabApp.record_code=sealed", f"--SecureCollabApp.auditors_key={public}")
    with served(tmp_path / "server", *options) as server:
        await run_some(server)
        assert said(server) == "sealed"
        assert CANARY.encode() not in vault_files(server)
        printed = shown(server, capsys, "--code", keys[0])
        assert printed.count(f"    {CELL}\n") == 2 and f"'{CANARY}'" in printed and "answered" not in printed
        assert CANARY not in shown(server, capsys)
        for key, message in ((keys[1], "could not be opened"), ("", "sealed here to the auditors' key")):
            command = ["--folder", str(server.folder / "vault"), "audit", "show", "--executions", "--code", key]
            assert main([part for part in command if part]) == 1
            assert message in capsys.readouterr().err
        assert main(["--folder", str(server.folder / "vault"), "audit", "verify", "--state"]) == 0


async def test_plain_code_is_there_as_it_is_and_people_are_told(tmp_path: Path, capsys) -> None:
    with served(tmp_path, "--SecureCollabApp.record_code=plain") as server:
        await run_some(server)
        assert said(server) == "plain"
        assert CANARY.encode() in vault_files(server) and b"answered" not in vault_files(server)
        assert CELL in shown(server, capsys, "--code")
        async with notebook(server, "alice") as (*_, socket):
            printed, _ = await socket.run("import jupyter_securecollab as collab; print(collab.vault())")
        assert "the code, as it is" in printed
        command = ["--folder", str(server.folder / "vault"), "audit", "forget", "--before"]
        assert main([*command, "0h", "--code-only"]) == 0
        assert "texts of code" in capsys.readouterr().out
        assert CELL not in shown(server, capsys, "--code")
        assert main(["--folder", str(server.folder / "vault"), "audit", "verify", "--state"]) == 0


def test_sealing_without_a_key_is_no_server(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="audit keygen"), served(tmp_path, "--SecureCollabApp.record_code=sealed"):
        pass


def test_the_command_makes_a_key_that_the_server_takes(tmp_path: Path, capsys) -> None:
    file = tmp_path / "key.pem"
    assert main(["audit", "keygen", str(file)]) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-1].startswith("hpke-x25519:") and file.stat().st_mode & 0o777 == 0o600
    assert main(["audit", "keygen", str(file)]) == 1
    assert main(["--folder", str(tmp_path), "audit", "show", "--code"]) == 1
    assert "only executions have code" in capsys.readouterr().err


def test_deleting_is_for_administrators(tmp_path: Path, capsys) -> None:
    with closing(open_vault(tmp_path, Settings())) as door:
        root = Caller(operator(), "cli", "cli")
        door.add_user(root, name="dana", roles=("admin",), clearance=door.me(root).clearance)
        door.change_user(Caller("dana", "cli", "cli"), name=operator(), roles=("member",))
    assert main(["--folder", str(tmp_path), "audit", "forget", "--before", "30d"]) == 1
    assert "You may not delete records of executions" in capsys.readouterr().err
