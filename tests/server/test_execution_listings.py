"""What people find of their executions: with the magic in a notebook, and with the command on the server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from at_a_notebook import notebook, request, runs_of
from serving import Served, served

from jupyter_securecollab.cli import main
from jupyter_securecollab.lines import run_header, run_line
from jupyter_securecollab.model import Level
from jupyter_securecollab.runs import VERSION, Record, Run, Touched

FRAME = "import pandas as pd\nframe = pd.DataFrame({'a': [1]})"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("listings")) as server:
        yield server


@pytest.fixture
def command(told: Served, capsys):
    """`command("--by", "alice")`: what `audit show --executions` prints with these options, as lines."""

    def run(*options: str) -> list[str]:
        assert main(["--folder", str(told.folder / "vault"), "audit", "show", "--executions", *options]) == 0
        return capsys.readouterr().out.splitlines()

    return run


async def test_everybody_finds_his_own_and_an_auditor_all(told: Served, command) -> None:
    async with (
        notebook(told, "alice", "hers.ipynb") as (alice, kernel, hers),
        notebook(told, "bob", "his.ipynb") as (_, other, his),
        notebook(told, "carol", "audit.ipynb") as (*_, auditing),
    ):
        await hers.run(f"{FRAME}\nimport jupyter_securecollab as collab\ncollab.share(frame, 'oncology/it', yes=True)")
        await hers.run("'a'")
        await his.run("1 / 0")
        await alice.get("api/contents/absent.ipynb")
        await runs_of(told, kernel, 2)
        await runs_of(told, other, 1)
        said = {
            who: (await socket.run(f"print(collab_listing := __import__('jupyter_securecollab').executions({which}))"))[
                0
            ]
            for who, socket, which in (
                ("alice", hers, ""),
                ("bob", his, ""),
                ("bob of alice", his, "by='alice'"),
                ("carol", auditing, "since='1h'"),
                ("carol of bob", auditing, "by='bob', notebook='his.ipynb'"),
                ("carol elsewhere", auditing, "notebook='nowhere.ipynb'"),
            )
        }
    assert re.search(r"alice +execute +hers\.ipynb .* ok +[a-z]+ +oncology/it", said["alice"])
    assert "bob" not in said["alice"]
    assert re.search(r"bob +execute +his\.ipynb +5 bytes .*ZeroDivisionError", said["bob"])
    assert "alice" not in said["bob"]
    assert said["bob of alice"].startswith("0 executions")
    assert "hers.ipynb" in said["carol"] and "his.ipynb" in said["carol"]
    assert "ZeroDivisionError" in said["carol of bob"] and "hers.ipynb" not in said["carol of bob"]
    assert "by its path from the top folder" in said["carol elsewhere"]
    header, *lines = command()
    assert header == run_header()
    assert any(re.search(r"alice +execute +hers\.ipynb .* ok +[a-z]+ +oncology/it$", line) for line in lines)
    assert any(re.search(r"alice +download +absent\.ipynb .* refused$", line) for line in lines)
    assert {line.split()[2] for line in command("--by", "bob")[1:]} == {"bob"}
    assert {line.split()[4] for line in command("--notebook", "his.ipynb")[1:]} == {"his.ipynb"}
    assert len(command("-n", "2")) == 3
    assert len(command("--since", "1h")) == len(command())
    assert command("--since", "2999-01-01") == command("--by", "nobody") == ["Nothing like that is on record."]


async def test_the_magic_reads_like_the_function_and_its_help_says_how(told: Served) -> None:
    async with notebook(told, "alice", "magic.ipynb") as (*_, socket):
        listed = await displayed(socket, "%audit --executions --since 1h --notebook magic.ipynb")
        (usage, _), (refused, _) = [await socket.run(line) for line in ("%audit --help", "%audit --notebook a.ipynb")]
    assert "kept of each" in listed and re.search(r"alice +execute +magic\.ipynb", listed)
    assert "--notebook PATH" in usage and "%audit --executions --notebook work.ipynb --since 8h" in usage
    assert "%audit --executions --notebook PATH" in refused


async def displayed(socket, code: str) -> str:
    """What a cell displays, as text."""
    msg_id, shown = await socket.send("execute_request", request(code)), ""
    async with asyncio.timeout(60):
        while True:
            message = await socket.receive()
            if message["parent_header"].get("msg_id") == msg_id:
                shown += message["content"].get("data", {}).get("text/plain", "")
                if message["content"].get("execution_state") == "idle":
                    return shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("oncology/it", "--executions"), "listed by themselves"),
        (("--index", "1", "--executions"), "listed by themselves"),
        (("--notebook", "a.ipynb"), "not listed by notebook"),
    ],
)
def test_what_does_not_go_together_is_refused(told: Served, capsys, options, said: str) -> None:
    assert main(["--folder", str(told.folder / "vault"), "audit", "show", *options]) == 1
    assert said in capsys.readouterr().err


def test_a_line_says_what_is_unusual_under_the_right_heading() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    start = Record(
        v=VERSION, what="start", run="r", at=at, act="debug", road="other", kernel="0123456789", target="evaluate"
    )
    end = Record(v=VERSION, what="end", run="r", at=at, act="debug", took=1_500_000, status="ok",
                 assets=(Touched("a/b", Level.SECRET),), level=Level.SECRET)  # fmt: skip
    line, header = run_line(Run(7, start, end)), run_header()
    for heading, text in (("who", "unattributed"), ("did", "debug evaluate"), ("where", "01234567"),
                          ("how it went", "ok"), ("level", "secret"), ("opened", "a/b, unattributed")):  # fmt: skip
        assert line[header.index(heading) :].startswith(text)
    assert line.split()[-5:-2] == ["1.500", "ok", "secret"]
    assert run_line(Run(7, start)).endswith("not ended                       unattributed")
