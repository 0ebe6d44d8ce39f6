"""Every command as somebody at a terminal sees it: what it prints and returns, and one clear line when it fails."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from serving import Served

from jupyter_securecollab.cli import main
from jupyter_securecollab.client import connect
from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.cosigning import with_cosignatures
from jupyter_securecollab.errors import Denied
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.server.vault import open_vault, operator
from jupyter_securecollab.witness import read_signer

Run = Callable[..., tuple[int, str, str]]
ALICE = Caller("alice", "cli", "s")
WHY = "one \x1b[2Jcohort"


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault with alice and bob, something begun, and a denial with a nasty name in its log."""
    folder = tmp_path_factory.mktemp("used") / "vault"
    with closing(open_vault(folder, Settings(name="hospital"))) as door:
        root = Caller(operator(), "cli", "cli")
        for name in ("alice", "bob"):
            door.add_user(root, name=name, clearance=Level.SECRET)
        door.add_member(root, group="analysts", person="bob")
        door.begin(ALICE, name="oncology/patients", kind="file", levels=[Level.SECRET])
        for name in ("\x1b[2J\u202e<script>", "x/y"):
            with pytest.raises(Denied):
                door.open(ALICE, name=name)
    return folder


@pytest.fixture
def run(used: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a copy of that vault; its exit code and what it printed."""
    folder = shutil.copytree(used, tmp_path / "vault")

    def command(*words: str, where: Path | None = None) -> tuple[int, str, str]:
        code = main(["--folder", str(where or folder), *words])
        return (code, *capsys.readouterr())

    return command


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    waiting = list(answers)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: waiting.pop(0))


def works(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert (code, err) == (0, ""), err
    return out


def fails(result: tuple[int, str, str]) -> str:
    code, out, err = result
    assert (code, out) == (1, "") and "Traceback" not in err
    return err


# ---- people ----------------------------------------------------------------------------------------------------


def test_account_is_made_with_a_token_shown_once(run: Run) -> None:
    out = works(run("user", "add", "zoe", "--clearance", "confidential", "--role", "member", "--role", "steward"))
    assert "zoe may read up to confidential, as member, steward." in out
    assert re.search(r"Token of zoe, shown this once: scp_\S{43}", out)
    assert re.search(r"zoe +confidential +member,steward", works(run("user", "list")))


def test_account_with_a_password_gets_no_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "a long password", "a long password")
    assert "Token" not in works(run("user", "add", "zoe", "--password"))


@pytest.mark.parametrize(
    ("answers", "said"), [(("one password", "another one"), "differ"), (("short", "short"), "at least 10 characters")]
)
def test_password_that_will_not_do_makes_no_account(run: Run, monkeypatch, answers: tuple[str, str], said: str) -> None:
    typed(monkeypatch, *answers)
    assert said in fails(run("user", "add", "zoe", "--password"))
    assert "zoe" not in works(run("user", "list"))


@pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="only root can enter another's folder")
@pytest.mark.parametrize("uid", [1, 30999], ids=["with a name", "without"])
def test_root_does_nothing_in_a_folder_of_somebody_elses(run: Run, tmp_path: Path, uid: int) -> None:
    os.chown(tmp_path / "vault", uid, uid)
    before = {file.name: file.stat().st_mtime_ns for file in (tmp_path / "vault").iterdir()}
    for words in (("user", "list"), ("user", "add", "zoe"), ("serve",)):
        said = fails(run(*words))
        assert "belongs to another user" in said and "sudo -u" in said
    assert before == {file.name: file.stat().st_mtime_ns for file in (tmp_path / "vault").iterdir()}
    os.chown(tmp_path / "vault", os.geteuid(), -1)
    works(run("user", "list"))


def test_agent_acts_for_a_person(run: Run) -> None:
    works(run("user", "add", "helper", "--acts-for", "bob"))
    assert "there is no person nobody" in fails(run("user", "add", "helper2", "--acts-for", "nobody"))


def test_account_is_changed_disabled_and_enabled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    works(run("user", "change", "bob", "--clearance", "public", "--role", "auditor"))
    assert re.search(r"bob +public +auditor +@analysts", works(run("user", "list")))
    assert "bob is disabled" in works(run("user", "disable", "bob"))
    assert "disabled" in fails(run("user", "token", "bob"))
    assert "bob is enabled again" in works(run("user", "enable", "bob"))
    assert "Token of bob" in works(run("user", "token", "bob"))
    typed(monkeypatch, "a long password", "a long password")
    assert "bob has a new password" in works(run("user", "password", "bob"))


def test_groups_take_and_lose_people(run: Run) -> None:
    added = works(run("group", "add", "@doctors", "alice", "bob"))
    assert added == "alice is in @doctors.\nbob is in @doctors.\n"
    assert works(run("user", "list")).count("@doctors") == 2
    assert re.search(r"^@doctors +alice bob$", works(run("group", "list")), re.MULTILINE)
    assert works(run("group", "remove", "doctors", "bob")) == "bob is no longer in @doctors.\n"
    assert re.search(r"^@doctors +alice$", works(run("group", "list")), re.MULTILINE)
    assert works(run("user", "list")).count("@doctors") == 1
    assert "bob is not in doctors" in fails(run("group", "remove", "doctors", "bob"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("user", "add", "bob"), "there is already an account bob"),
        (("user", "add", "../x"), "is not a person or group"),
        (("user", "add", "zoe", "--clearance", "secrte"), "Did you mean secret?"),
        (("user", "change", "nobody"), "there is no person nobody"),
        (("user", "disable", operator()), "nobody would be left"),
        (("group", "add", "g", "nobody"), "there is no person nobody"),
        (("keys", "rotate", "onclogy"), "nothing was ever shared in a project onclogy"),
        (("audit", "prove", "999"), "there is no entry 999"),
        (("audit", "show", "--index", "999"), "there is no entry 999"),
        (("audit", "verify", "/no/such/bundle", "--key", "x"), "/no/such/bundle"),
        (("audit", "verify", "/no/such/bundle"), "Give it with --key."),
        (("audit", "verify", "--checkpoint", "/no/such"), "/no/such"),
        (("audit", "export", "/no/such/folder/file"), "/no/such/folder"),
        (("audit", "prove", "1", "--check", "/no/such", "--key", "x"), "/no/such"),
        (("audit", "prove", "1", "--check", "/no/such"), "Give it with --key."),
        (("login", "http://127.0.0.1:1"), "does not answer"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(run: Run, monkeypatch, words: tuple[str, ...], said: str) -> None:
    typed(monkeypatch, "scp_token")
    err = fails(run(*words))
    assert said in err and len(err.splitlines()) <= 2


@pytest.mark.parametrize("words", [
    (), ("nothing",), ("user",), ("audit", "tail", "-n", "0"), ("audit", "tail", "-n", "x"), ("user", "add"),
    ("user", "add", "x", "--role", "king"),
])  # fmt: skip
def test_what_is_no_command_shows_how_commands_look(run: Run, words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(*words)
    assert exit_.value.code == 2


def test_mistyped_folder_is_not_made_into_a_vault(run: Run, tmp_path: Path) -> None:
    for words in (("user", "list"), ("gc",), ("audit", "verify"), ("keys", "rotate", "p")):
        assert "there is no vault in" in fails(run(*words, where=tmp_path / "typo"))
    assert not (tmp_path / "typo").exists()
    works(run("user", "add", "zoe", where=tmp_path / "new"))


def test_somebody_the_vault_does_not_know_administers_nothing(run: Run, tmp_path: Path) -> None:
    with closing(open_vault(tmp_path / "vault", Settings())) as door:
        root = Caller(operator(), "cli", "cli")
        door.change_user(root, name="alice", roles=("admin",))
        door.disable_user(ALICE, name=operator())
    for words in (("user", "add", "zoe"), ("user", "list"), ("gc",), ("keys", "rotate", "oncology")):
        assert "You may not" in fails(run(*words))


# ---- housekeeping ----------------------------------------------------------------------------------------------


def test_leftovers_are_removed_and_keys_renewed(run: Run) -> None:
    assert works(run("gc")) == "Removed 0 unfinished versions and 0 objects nothing refers to.\n"
    assert works(run("keys", "rotate", "oncology")) == "oncology has a new key; 3 keys were wrapped under it.\n"


# ---- the log ---------------------------------------------------------------------------------------------------


def test_log_is_listed_without_anything_a_terminal_would_obey(run: Run) -> None:
    out = works(run("audit", "tail"))
    assert "user.add" in out and "denied: Nobody has given you access" in out and "<script>" in out
    assert "\x1b" not in out and "\u202e" not in out
    assert len(works(run("audit", "tail", "-n", "2")).splitlines()) == 2
    assert len(works(run("audit", "show", "oncology/patients")).splitlines()) == 1
    assert len(works(run("audit", "show", "--by", "alice")).splitlines()) == 3


def test_one_entry_is_shown_whole(run: Run) -> None:
    entry = next(line for line in works(run("audit", "tail")).splitlines() if "denied" in line)
    out = works(run("audit", "show", "--index", entry.split()[0]))
    assert '"act":"open"' in out and "\u202e" not in out


def test_log_verifies_and_says_what_that_proves(run: Run) -> None:
    out = works(run("audit", "verify"))
    assert "The log verifies:" in out and "No checkpoint from outside was given" in out
    assert "The state is what the log says:" in works(run("audit", "verify", "--state"))


def test_log_verifies_as_far_as_witnesses_confirmed_it(run: Run, used: Path, tmp_path: Path) -> None:
    files = ("--key", str(tmp_path / "w.key"), "--state", str(tmp_path / "w.state"))
    made = works(run("witness", "keygen", "w.example/1", *files))
    (key,) = re.findall(r"^w\.example/1\+\S+$", made, re.MULTILINE)
    assert "this witness is there already" in fails(run("witness", "keygen", "w.example/1", *files))
    assert "no part of this log was confirmed by 1 of these" in fails(run("audit", "verify", "--witness", key))
    with sqlite3.connect(tmp_path / "vault" / "vault.sqlite") as database:
        size, note = database.execute(
            "SELECT size, note FROM checkpoint ORDER BY size DESC LIMIT 1 OFFSET 1"
        ).fetchone()
        cosigned = with_cosignatures(note, [read_signer(tmp_path / "w.key").cosign(note, datetime.now(UTC))])
        database.execute("UPDATE checkpoint SET note = ? WHERE size = ?", (cosigned, size))
    database.close()
    said = works(run("audit", "verify", "--witness", key))
    assert f"1 of 1 witnesses confirm the first {size} entries (w.example/1); 1 have to." in said
    assert "No checkpoint from outside" not in said
    assert "can never agree" in fails(run("audit", "verify", "--witness", key, "--witness-quorum", "2"))


def test_a_witness_needs_its_files_and_a_log_s_key(run: Run, tmp_path: Path) -> None:
    files = ("--key", str(tmp_path / "w.key"), "--state", str(tmp_path / "w.state"))
    assert "there is no" in fails(run("witness", "serve", *files, "--log-key", "x"))
    works(run("witness", "keygen", "w.example/1", *files))
    assert "not a log key" in fails(run("witness", "serve", *files, "--log-key", "x"))
    (tmp_path / "w.state").unlink()
    log_key = works(run("audit", "export", str(tmp_path / "bundle"))).splitlines()[-1]
    assert "make a new witness, with a new key" in fails(run("witness", "serve", *files, "--log-key", log_key))


def test_exported_bundle_verifies_offline_and_a_changed_one_names_the_entry(run: Run, tmp_path: Path) -> None:
    out = works(run("audit", "export", str(tmp_path / "bundle")))
    key = out.splitlines()[-1]
    nowhere = tmp_path / "nowhere"
    ok = works(run("audit", "verify", str(tmp_path / "bundle"), "--key", key, "--state", where=nowhere))
    assert "The log verifies:" in ok and not nowhere.exists()
    content = (tmp_path / "bundle").read_bytes()
    changed = content.replace(b'\\"who\\":\\"alice\\"', b'\\"who\\":\\"mallo\\"', 1)
    if changed == content:
        changed = content[: len(content) // 2] + b"x" + content[len(content) // 2 + 1 :]
    (tmp_path / "bundle").write_bytes(changed)
    assert run("audit", "verify", str(tmp_path / "bundle"), "--key", key, where=nowhere)[0] == 1
    (tmp_path / "bundle").write_bytes(content)
    fails(
        run(
            "audit",
            "verify",
            str(tmp_path / "bundle"),
            "--key",
            key.replace("vault", "other")[:-4] + "AAA=",
            where=nowhere,
        )
    )


def test_proof_of_an_entry_is_checked_without_the_vault(run: Run, tmp_path: Path) -> None:
    key = works(run("audit", "export", str(tmp_path / "bundle"))).splitlines()[-1]
    proof = works(run("audit", "prove", "2"))
    (tmp_path / "proof").write_text(proof)
    check = ("audit", "prove", "2", "--check", str(tmp_path / "proof"), "--key")
    assert "Entry 2 is in the log of" in works(run(*check, key, where=tmp_path / "nowhere"))
    other = ("audit", "prove", "3", *check[3:])
    assert "this proves entry 2, not entry 3" in fails(run(*other, key, where=tmp_path / "nowhere"))
    lines = proof.splitlines()
    (tmp_path / "proof").write_text(proof.replace(lines[2], lines[2][::-1]))
    assert run(*check, key, where=tmp_path / "nowhere")[0] == 1


def test_database_changed_by_hand_does_not_verify(run: Run, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "vault" / "vault.sqlite")) as connection, connection:
        connection.execute("UPDATE person SET clearance = 'public' WHERE name = 'alice'")
    works(run("audit", "verify"))
    assert "alice" in fails(run("audit", "verify", "--state"))


# ---- from outside ----------------------------------------------------------------------------------------------


def test_login_saves_the_sign_in_for_kernels(run: Run, server: Served, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    for name in ("URL", "TOKEN", "LOG_KEY"):
        monkeypatch.delenv(f"SECURECOLLAB_{name}", raising=False)
    typed(monkeypatch, server.tokens["bob"], "scp_wrong")
    out = works(run("login", server.url))
    assert "Signed in as bob; you read up to internal." in out and server.log_key in out
    with closing(connect()) as client:
        assert client.me().name == "bob"
    assert "signed in" in fails(run("login", server.url))


def test_commands_load_neither_server_nor_front_end_nor_data_libraries() -> None:
    code = "import sys, jupyter_securecollab.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"jupyter_server", "jupyterlab", "tornado", "pandas", "pyarrow", "IPython", "alembic", "httpx", "traitlets"}
    assert heavy & set(loaded) == set() and "sqlalchemy" in loaded


def test_it_is_a_subcommand_of_jupyter() -> None:
    command = [str(Path(sys.executable).with_name("jupyter")), "securecollab", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


def test_requests_are_listed_decided_and_taken_back(run: Run, tmp_path: Path) -> None:
    with closing(open_vault(tmp_path / "vault", Settings())) as door:
        door.ask_join(ALICE, name="oncology/person", level=Level.SECRET, because=WHY)
    listed = works(run("request", "list"))
    assert "asked" in listed and "alice" in listed and "oncology/person on secret columns: one" in listed
    assert "masked with them: nothing; who else has the key: nobody" in listed and "\x1b" not in listed
    found = listed.split()[0]
    yes = "alice: pseudonyms oncology/person on secret columns are allowed.\n"
    assert works(run("request", "allow", found)) == yes and "allowed" in works(run("request", "list"))
    assert works(run("request", "refuse", found)) == yes.replace("allowed", "refused")
    for words, said in (((found,), "refused already"), (("nothing",), "there is no such request")):
        code, out, err = run("request", "refuse", *words)
        assert code == 1 and not out and said in err and len(err.splitlines()) <= 2
    works(run("audit", "verify", "--state"))


def test_without_a_command_the_commands_are_shown(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["jupyter-securecollab"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0 and "doctor" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["nosuch"])
    assert ended.value.code == 2
