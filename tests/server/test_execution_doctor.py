"""A server that does not record says so loudly, and `doctor` says it beforehand."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from serving import Served, served

WEBSOCKETS = "ServerApp.kernel_websocket_connection_class"
STOCK = {
    WEBSOCKETS: (
        "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection",
        "executions are NOT recorded",
    ),
    "ServerApp.kernel_manager_class": (
        "jupyter_server.services.kernels.kernelmanager.AsyncMappingKernelManager",
        "what comes by other roads, is NOT recorded",
    ),
    "MultiKernelManager.kernel_manager_class": (
        "jupyter_server.services.kernels.kernelmanager.ServerKernelManager",
        "starts and ends of kernels are NOT recorded",
    ),
    "ServerApp.session_manager_class": (
        "jupyter_server.services.sessions.sessionmanager.SessionManager",
        "the notebook of an execution is NOT recorded",
    ),
}


def doctor(folder: Path) -> subprocess.CompletedProcess[str]:
    """`jupyter securecollab doctor`, run by whoever runs the server in this folder."""
    places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    environment = {**os.environ, **{name: str(folder / name.lower()) for name in places}}
    command = [sys.executable, "-m", "jupyter_securecollab.cli", "doctor"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def configure(folder: Path, text: str) -> None:
    """The configuration in somebody's home, which enables the extension and says this."""
    home = folder / "jupyter_config_dir"
    home.mkdir()
    enabled = "c.ServerApp.jpserver_extensions = {'jupyter_securecollab': True}\n"
    (home / "jupyter_server_config.py").write_text(f"c = get_config()\n{enabled}{text}\n")


def state(server: Served):
    with closing(server.client("bob")) as client:
        return client.recording()


def test_all_is_well_where_nobody_changed_anything(tmp_path: Path) -> None:
    configure(tmp_path, "")
    with served(tmp_path) as server:
        assert (state(server).mode, state(server).why_not) == ("flag", ())
        assert "NOT recorded" not in server.log
    found = doctor(tmp_path)
    assert (found.returncode, found.stdout) == (0, "A server you start now records what is executed.\n"), found.stderr


@pytest.mark.parametrize("trait", STOCK)
def test_classes_swapped_in_somebodys_home_are_found_at_start_and_by_the_doctor(tmp_path: Path, trait: str) -> None:
    chosen, meaning = STOCK[trait]
    configure(tmp_path, f"c.{trait} = {chosen!r}")
    with served(tmp_path) as server:
        assert meaning in " ".join(state(server).why_not)
        assert [line for line in server.log.splitlines() if line.startswith("[C ") and meaning in line]
    found = doctor(tmp_path)
    assert found.returncode == 1
    assert "A server you start now does not record all that is executed:" in found.stdout and meaning in found.stdout


def test_switched_off_is_said(tmp_path: Path) -> None:
    configure(tmp_path, "c.SecureCollabApp.record_executions = 'off'")
    with served(tmp_path) as server:
        assert state(server).why_not == ("An administrator switched the recording of executions off.",)
        assert "switched the recording of executions off" in server.log
    assert "switched off" in doctor(tmp_path).stdout


def test_where_the_vault_is_a_service_what_is_recorded_is_advisory_and_that_is_said(tmp_path: Path) -> None:
    configure(tmp_path, "c.SecureCollabApp.vault_url = 'http://127.0.0.1:8765/services/securecollab'")
    found = doctor(tmp_path)
    assert found.returncode == 0 and "what it reports is advisory" in found.stdout, found.stderr
    (tmp_path / "jupyter_config_dir" / "jupyter_server_config.py").write_text("c.ServerApp.jpserver_extensions = {}")
    assert "advisory" not in doctor(tmp_path).stdout


def test_an_extension_that_is_not_enabled_records_nothing(tmp_path: Path) -> None:
    (tmp_path / "jupyter_config_dir").mkdir()
    off = "c.ServerApp.jpserver_extensions = {'jupyter_securecollab': False}"
    (tmp_path / "jupyter_config_dir" / "jupyter_server_config.py").write_text(off)
    found = doctor(tmp_path)
    assert found.returncode == 1 and "not enabled" in found.stdout


def run_by(server: Served, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """A command of whoever runs this server. He sits at no terminal, so what it asks for is read from `typed`."""
    whole = [sys.executable, "-m", "jupyter_securecollab.cli", *command]
    return subprocess.run(
        whole,
        env=server.environment(),
        input=typed,
        start_new_session=True,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_doctor_asks_a_running_server_with_accounts_and_not_only_its_configuration(tmp_path: Path) -> None:
    chosen, meaning = STOCK[WEBSOCKETS]
    settings = tmp_path / "home" / ".jupyter" / "jupyter_server_config.py"
    settings.parent.mkdir(parents=True)
    settings.write_text(f"c = get_config()\nc.{WEBSOCKETS} = {chosen!r}\n")
    with served(tmp_path, home=tmp_path / "home") as server:
        assert [line for line in server.log.splitlines() if line.startswith("[C ") and meaning in line]
        assert meaning in " ".join(state(server).why_not)
        before = run_by(server, "doctor")
        assert before.returncode == 1
        assert "A server you start now does not record all that is executed:\n  Another websocket" in before.stdout
        assert f"{server.url}/ tells only who has an account there." in before.stdout
        settings.unlink()  # what is running stays as it is
        assert run_by(server, "login", server.url, typed=server.tokens["bob"] + "\n").returncode == 0
        after = run_by(server, "doctor")
    assert after.returncode == 1
    assert "A server you start now records what is executed." in after.stdout
    said = f"The server at {server.url}/ does not record all that is executed:\n  Another websocket class is in use: "
    assert said + meaning in after.stdout


def test_the_doctor_finds_nothing_wrong_with_a_running_server_that_records(tmp_path: Path) -> None:
    with served(tmp_path, home=tmp_path / "home") as server:
        assert "not every server said" in run_by(server, "doctor").stderr
        assert run_by(server, "login", server.url, typed=server.tokens["bob"] + "\n").returncode == 0
        found = run_by(server, "doctor")
    assert (found.returncode, found.stderr) == (0, "")
    assert f"The server at {server.url}/ records what is executed." in found.stdout


@pytest.mark.parametrize(
    ("file", "text", "meaning"),
    [
        ("jupyter_lab_config.py", f"c.{WEBSOCKETS} = {STOCK[WEBSOCKETS][0]!r}", STOCK[WEBSOCKETS][1]),
        ("jupyter_notebook_config.py", f"c.{WEBSOCKETS} = {STOCK[WEBSOCKETS][0]!r}", STOCK[WEBSOCKETS][1]),
        ("jupyter_jupyter_securecollab_config.py", "c.SecureCollabApp.record_executions = 'off'", "switched off"),
    ],
)
def test_files_that_only_some_programs_read_count_too(tmp_path: Path, file: str, text: str, meaning: str) -> None:
    configure(tmp_path, "")
    (tmp_path / "jupyter_config_dir" / file).write_text(f"c = get_config()\n{text}\n")
    found = doctor(tmp_path)
    assert found.returncode == 1 and meaning in found.stdout
