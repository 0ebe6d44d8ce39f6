"""The process that reads a model file first can do nothing else, and whatever ends it is a refusal."""

import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_securecollab
from jupyter_securecollab.errors import SealBroken
from jupyter_securecollab.sealed import confined

PLACE = str(Path(jupyter_securecollab.__file__).parent.parent)
TRIES = {
    "read a file": "open('/etc/hostname')",
    "write a file": "open('{folder}/made', 'w')",
    "open a socket": "import socket; socket.socket()",
    "start a program": "import subprocess; subprocess.run(['true'])",
    "take all memory": "bytearray(4 << 30)",
}


def run(code, folder):
    begin = "import socket, subprocess\nfrom jupyter_securecollab.sealed import confined\n"
    whole = begin + "confined.confine(0)\n" + code.format(folder=folder) + "\nprint('done')"
    environment = {"PYTHONPATH": PLACE}
    return subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, env=environment)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
@pytest.mark.parametrize("name", TRIES)
def test_what_is_confined_can_do_nothing_else(name, tmp_path):
    assert run("1 + 1", tmp_path).stdout == "done\n"
    tried = run(TRIES[name], tmp_path)
    assert tried.stdout == "" and tried.returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_time_is_limited():
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CPU))"
    assert f"({confined._SECONDS}, {confined._SECONDS})" in run(code, "").stdout


@pytest.mark.parametrize("kind", confined.FORMATS)
def test_what_cannot_be_read_is_refused(kind):
    for data in (b"", b"\x80\x04cos\nsystem\n", b"{" * 5000):
        with pytest.raises(SealBroken):
            confined.vet(kind, data)


def test_a_process_that_ends_without_a_verdict_has_vouched_for_nothing():
    """Whatever it died of: here it does not even know the format."""
    with pytest.raises(SealBroken):
        confined.vet("pickle", b"anything")


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
