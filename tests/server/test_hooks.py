"""Audit hooks: asked before, told after, contained when they fail."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from at_a_notebook import notebook, only, reply_to, request, runs_of
from serving import Served, served

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.runs import Record
from jupyter_securecollab.server.recording.chosen_hooks import chosen_hooks
from jupyter_securecollab.server.recording.hooks import Asked
from jupyter_securecollab.server.recording.shipped_hooks import Forward, Hours
from jupyter_securecollab.server.vault import now

THIRD_PARTY = """
import os, time

class Hook:
    def __init__(self, options): self.options = options
    def before(self, asked):
        if "raise" in asked.code: raise ValueError("the code was: " + asked.code)
        if "hang" in asked.code: time.sleep(600)
        if "exit" in asked.code: raise SystemExit(1)
        if "odd" in asked.code: return 42
        return f"not {self.options['word']}" if self.options["word"] in asked.code else None
    def after(self, record):
        with open(self.options["file"], "a") as file: print(record.who, record.status, file=file)
        raise RuntimeError("in after")
"""


@contextmanager
def hooked(folder: Path, configuration: str) -> Iterator[Served]:
    """A server with this in its administrator's configuration."""
    (folder / "jupyter_config_dir").mkdir()
    (folder / "jupyter_config_dir" / "jupyter_server_config.py").write_text(configuration)
    with served(folder) as server:
        yield server


@pytest.fixture
def third_party(tmp_path: Path, monkeypatch) -> Path:
    """An installed package with a hook of its own, and the file that this writes to."""
    site = tmp_path / "site"
    (site / "their_hooks-1.0.dist-info").mkdir(parents=True)
    (site / "their_hooks-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: their-hooks\nVersion: 1.0\n"
    )
    points = "[jupyter_securecollab.audit_hooks]\ntheirs = their_hooks:Hook\n"
    (site / "their_hooks-1.0.dist-info" / "entry_points.txt").write_text(points)
    (site / "their_hooks.py").write_text(THIRD_PARTY)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]))
    return tmp_path / "told"


async def outcome(socket, code: str):
    """The reply to a cell."""
    return await reply_to(socket, await socket.send("execute_request", request(code)), "execute_reply")


async def test_nobody_executes_before_having_acknowledged_and_hours_hold_for_their_group(tmp_path: Path) -> None:
    options = {"acknowledge": {"text": "What you do here is recorded."}, "hours": {
        "group": "analysts", "start": "00:00", "end": "00:00"}}  # fmt: skip
    configuration = "c.SecureCollabApp.audit_hooks = ['acknowledge', 'hours']\n"
    with hooked(tmp_path, configuration + f"c.SecureCollabApp.audit_hook_options = {options!r}") as server:
        async with notebook(server, "alice") as (_, kernel, socket):
            shown = await socket.output_of(await socket.send("execute_request", request("x = 1")))
            assert "What you do here is recorded. Run a cell that says: # I agree" in shown
            assert (await outcome(socket, "# I agree"))["status"] == "ok"
            assert (await socket.run("print('x' in globals())"))[0] == "False\n"
            found = await runs_of(server, kernel, 3)
        assert [one.end.status for one in found] == ["refused", "ok", "ok"]
        assert found[0].end.error.startswith("What you do here is recorded.")
        async with notebook(server, "bob") as (_, kernel, socket):
            refused = await outcome(socket, "# I agree")
        assert refused["status"] == "error" and "@analysts executes from 00:00 to 00:00 (UTC) only" in refused["evalue"]


@pytest.mark.parametrize("failure", ["closed", "open"])
async def test_a_hook_that_raises_or_hangs_is_contained_and_on_record(
    tmp_path: Path, third_party: Path, failure
) -> None:
    options = {"theirs": {"word": "forbidden", "file": str(third_party)}}
    configuration = (
        "c.SecureCollabApp.audit_hooks = ['theirs']\nc.SecureCollabApp.audit_hook_seconds = 1.0\n"
        f"c.SecureCollabApp.audit_hook_failure = {failure!r}\nc.SecureCollabApp.audit_hook_options = {options!r}"
    )
    with hooked(tmp_path, configuration) as server:
        async with notebook(server, "alice") as (_, kernel, socket):
            assert (await outcome(socket, "1"))["status"] == "ok"
            refused = await outcome(socket, "'forbidden'")
            assert refused["status"] == "error" and "not forbidden" in refused["evalue"]
            for trouble in ("raise", "hang", "exit", "odd"):
                reply = await outcome(socket, f"'{trouble}'")
                assert reply["status"] == ("error" if failure == "closed" else "ok")
                assert failure == "open" or "the server's hook theirs failed" in reply["evalue"]
            assert (await outcome(socket, "2"))["status"] == "ok"
            await runs_of(server, kernel, 7)
        failures = {"theirs: ValueError", "theirs: TimeoutError", "theirs: SystemExit", "theirs: RuntimeError"}
        async with asyncio.timeout(30):
            while True:
                found = await runs_of(server)
                if failures <= {one.start.target for one in only(found, act="hook")}:
                    break
                await asyncio.sleep(0.1)
        assert not any("the code was" in one.start.body() for one in found)
    told = third_party.read_text().splitlines()
    assert told.count("alice refused") == (5 if failure == "closed" else 1)


def test_hooks_that_are_not_there_or_cannot_be_made_are_refused(tmp_path: Path) -> None:
    for names, options in ((["nosuch"], {}), (["hours"], {}), (["hours"], {"hours": {"group": "g", "start": "x"}})):
        with pytest.raises(Invalid, match="audit hook"):
            chosen_hooks(names, options)
    assert chosen_hooks([], {}) == {}
    with (
        pytest.raises(RuntimeError, match="there is no audit hook"),
        hooked(tmp_path, "c.SecureCollabApp.audit_hooks = ['nosuch']"),
    ):
        pass


def test_hooks_without_recording_are_refused(tmp_path: Path) -> None:
    off = "c.SecureCollabApp.record_executions = 'off'\nc.SecureCollabApp.audit_hooks = ['hours']"
    with pytest.raises(RuntimeError, match="need the recording"), hooked(tmp_path, off):
        pass


def asked(*groups: str) -> Asked:
    return Asked(Record(v=1, what="start", run="0", at=now(), act="execute", who="bob"), "1", groups)


@pytest.mark.parametrize(("at", "may"), [
    ("2026-11-23T07:59:59", False), ("2026-11-23T08:00:00", True), ("2026-11-23T17:59:59", True),
    ("2026-11-23T18:00:00", False), ("2026-11-22T12:00:00", False),
])  # fmt: skip
def test_hours_begin_and_end_when_they_say(at: str, may: bool) -> None:
    options = {"group": "@analysts", "start": "08:00", "end": "18:00", "days": [0, 1, 2, 3, 4]}
    hours = Hours(options, lambda zone: datetime.fromisoformat(at).replace(tzinfo=zone))
    assert (hours.before(asked("analysts")) is None) == may
    assert hours.before(asked("others")) is None


@pytest.mark.parametrize(("at", "may"), [("21:59", False), ("22:00", True), ("05:59", True), ("06:00", False)])
def test_hours_may_span_midnight(at: str, may: bool) -> None:
    hours = Hours(
        {"group": "night", "start": "22:00", "end": "06:00"}, lambda zone: datetime.fromisoformat(f"2026-11-23T{at}")
    )
    assert (hours.before(asked("night")) is None) == may


async def test_what_ended_is_forwarded_to_syslog(tmp_path: Path) -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as syslog:
        syslog.bind(("127.0.0.1", 0))
        syslog.settimeout(20)
        options = {"forward": {"syslog": f"127.0.0.1:{syslog.getsockname()[1]}"}}
        configuration = (
            f"c.SecureCollabApp.audit_hooks = ['forward']\nc.SecureCollabApp.audit_hook_options = {options!r}"
        )
        with hooked(tmp_path, configuration) as server:
            async with notebook(server, "alice") as (_, _kernel, cell):
                await cell.run("1 / 0")
                line = syslog.recv(65536).decode().rstrip("\0")
    body = json.loads(line.partition("jupyter_securecollab ")[2])
    assert (body["who"], body["error"], body["what"]) == ("alice", "ZeroDivisionError", "end")


def test_what_ended_is_forwarded_to_a_collector_whose_errors_show() -> None:
    got: list[dict] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the library's name
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))) | {"path": self.path})
            self.send_response(500 if len(got) > 1 else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        forward = Forward({"otlp": f"http://127.0.0.1:{server.server_port}/"})
        record = Record(v=1, what="end", run="0", at=now(), act="execute", who="bob", status="ok")
        forward.after(record)
        with pytest.raises(Exception, match="500"):
            forward.after(record)
        server.shutdown()
    assert got[0]["path"] == "/v1/logs"
    (one,) = got[0]["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    assert json.loads(one["body"]["stringValue"])["who"] == "bob"
