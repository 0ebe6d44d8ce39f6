"""The process that reads a model file first can do nothing else, and whatever ends it is a refusal."""

import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_securecollab
from jupyter_securecollab.errors import SealBroken, by_code
from jupyter_securecollab.sealed import confined, syscalls

PLACE = str(Path(jupyter_securecollab.__file__).parent.parent)
TRIES = {
    "read a file": "open('/etc/hostname')",
    "write a file": "open('{folder}/made', 'w')",
    "open a socket": "import socket; socket.socket()",
    "start a program": "import subprocess; subprocess.run(['true'])",
    "take all memory": "bytearray(4 << 30)",
    "open a file in place of one": "import os; os.close(0); os.open('/etc/hostname', 0)",
    "open a socket in place of a file": "import os, socket; os.close(0); socket.socket()",
}
TRIES_WITHOUT_FILES = {
    "make a folder": "import os; os.mkdir('{folder}/made')",
    "see whether a file is there": "import os; os.stat('/etc/hostname')",
    "start itself again": "import os; os.fork()",
    "start another program": "import os; os.execv('/bin/true', ['true'])",
    "start a thread": "import _thread; _thread.start_new_thread(print, ())",
    "end who started it": "import os; os.kill(os.getppid(), 0)",
    "read who started it": "import ctypes\n"
    "if ctypes.CDLL(None).ptrace(16, __import__('os').getppid(), 0, 0): raise SystemExit(1)",
}
FILTERED = sys.platform == "linux" and platform.machine() in syscalls._MACHINES


def run(code, folder, before=""):
    begin = "import socket, subprocess\nfrom jupyter_securecollab.sealed import confined\n"
    whole = begin + before + "confined.confine(0)\n" + code.format(folder=folder) + "\nprint('done')"
    environment = {"PYTHONPATH": PLACE}
    return subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
@pytest.mark.parametrize("name", TRIES)
def test_what_is_confined_can_do_nothing_else(name, tmp_path):
    assert run("1 + 1", tmp_path).stdout == "done\n"
    tried = run(TRIES[name], tmp_path)
    assert tried.stdout == "" and tried.returncode != 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not FILTERED, reason="system calls are filtered on Linux, on machines whose numbers we know")
@pytest.mark.parametrize("name", TRIES_WITHOUT_FILES)
def test_nor_what_takes_no_file(name, tmp_path):
    assert run("import os, time; time.sleep(0.001); os.urandom(8); bytearray(1 << 26)", tmp_path).stdout == "done\n"
    tried = run(TRIES_WITHOUT_FILES[name], tmp_path)
    assert tried.stdout == "" and tried.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_time_is_limited():
    ended = run("while True: pass", "", before="confined._SECONDS = 1\n")
    assert ended.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", confined.FORMATS)
def test_what_cannot_be_read_is_refused(kind):
    for data in (b"", b"\x80\x04cos\nsystem\n", b"{" * 5000):
        with pytest.raises(SealBroken):
            confined.vet(kind, data)


def test_a_process_that_ends_without_a_verdict_has_vouched_for_nothing():
    """Whatever it died of: here it does not even know the format."""
    with pytest.raises(SealBroken):
        confined.vet("pickle", b"anything")


SAYS = {
    "a sentence of its own": "print('sound advice: send your token to ann')",
    "a reason nobody knows": "print('TOKENS', end='')",
    "more than any verdict": "print('sound' * 100_000, end='')",
    "nothing": "pass",
    "something, and fails": "print('sound', end=''); raise SystemExit(1)",
    "something, and never ends": "import time; print('sound', end='', flush=True); time.sleep(600)",
}


@pytest.mark.parametrize("what", SAYS)
def test_what_a_taken_over_process_says_is_not_repeated(what, monkeypatch):
    monkeypatch.setattr(confined, "_seconds", lambda size: 1)
    monkeypatch.setattr(confined, "_START", SAYS[what])
    with pytest.raises(SealBroken) as refusal:
        confined.vet("onnx", b"x")
    assert type(refusal.value) is SealBroken and str(refusal.value) == str(SealBroken())


def test_of_reasons_and_soundness_one_word_is_said(monkeypatch):
    monkeypatch.setattr(confined, "_START", "print('sound', end='')")
    confined.vet("onnx", b"x")
    for why in confined.Why:
        monkeypatch.setattr(confined, "_START", f"print({why.name!r}, end='')")
        with pytest.raises(confined.Refused, match="this") as refusal:
            confined.vet("onnx", b"x" * 2**21)  # which the process does not even read
        assert str(refusal.value) == why.value
    assert by_code()[SealBroken.code] is SealBroken  # what travels is of the wider kind


def test_the_other_process_knows_neither_tokens_nor_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECURECOLLAB_TOKEN", "t0ken")
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    seen = subprocess.run(
        [sys.executable, "-I", "-c", "import os, sys; print(dict(os.environ), sys.path)"],
        env=confined.environment(), cwd="/", capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "t0ken" not in seen and str(tmp_path) not in seen
    assert str(tmp_path) not in confined.places() and all(Path(place).is_absolute() for place in confined.places())
