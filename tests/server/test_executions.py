"""Every execution through the server is on record, with the person its websocket was opened by."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from textwrap import dedent

import pytest
from at_a_notebook import notebook, only, reply_to, request, runs_of
from at_the_browser import V1, Person
from serving import Served, served, share

from jupyter_securecollab.cli import main


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("executions")) as server:
        yield server


@pytest.mark.parametrize("protocol", [None, V1])
async def test_a_cell_is_on_record_with_who_where_what_and_how_it_went(running: Served, protocol) -> None:
    async with notebook(running, "alice", "study/a.ipynb", protocol) as (_, kernel, socket):
        await socket.run("1 + 1")
        await socket.run("1 / 0")
        found = await runs_of(running, kernel, 2)
    assert [one.start.who for one in found] == ["alice", "alice"]
    assert [one.start.notebook for one in found] == ["study/a.ipynb"] * 2
    assert [(one.start.act, one.start.road, one.remarks) for one in found] == [("execute", "websocket", ())] * 2
    assert [one.start.length for one in found] == [5, 5]
    assert [(one.end.status, one.end.error) for one in found] == [("ok", None), ("error", "ZeroDivisionError")]
    assert all(0 < one.end.took < 60_000_000 for one in found)
    assert len({one.start.code for one in found}) == 2


async def test_every_way_to_execute_over_the_websocket_is_on_record(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        for options in ({"silent": True}, {"store_history": False}):
            await socket.output_of(await socket.send("execute_request", request("x = 1", **options)))
        asked = request("", user_expressions={"a": "__import__('os').getpid()"})
        await reply_to(socket, await socket.send("execute_request", asked), "execute_reply")
        evaluate = {"type": "request", "seq": 1, "command": "evaluate", "arguments": {"expression": "1 + 1"}}
        await reply_to(socket, await socket.send("debug_request", evaluate, channel="control"), "debug_reply")
        register = "get_ipython().kernel.comm_manager.register_target('t', lambda comm, message: comm.on_msg(print))"
        await socket.run(register)
        comm = {"comm_id": "c", "target_name": "t", "data": {}}
        await socket.output_of(await socket.send("comm_open", comm))
        await socket.output_of(await socket.send("comm_msg", {"comm_id": "c", "data": {"n": 1}}))
        found = await runs_of(running, kernel, 7)
    assert [(one.start.act, one.remarks) for one in found if one.start.act == "execute"] == [
        ("execute", ("silent",)), ("execute", ("no history",)), ("execute", ("1 expressions",)), ("execute", ()),
    ]  # fmt: skip
    assert all(one.start.code for one in only(found, act="execute"))
    assert [one.start.target for one in only(found, act="debug")] == ["evaluate"]
    assert [one.start.target for one in only(found, act="comm_open")] == ["t"]
    assert len(only(found, act="comm_msg")) == 1
    assert {one.start.who for one in found} == {"alice"}


async def debug(socket, command: str, **arguments):
    """A command to the debugger, and the reply."""
    content = {"type": "request", "seq": 1, "command": command, "arguments": arguments}
    return await reply_to(socket, await socket.send("debug_request", content, channel="control"), "debug_reply")


async def test_what_a_debugger_is_made_to_run_is_on_record_and_starting_it_shows_as_nobodys(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        await debug(socket, "initialize", clientID="test", adapterID="test")
        await debug(socket, "attach")
        await debug(socket, "evaluate", expression="globals().update(by_debugger=1)", context="clipboard")
        await debug(socket, "disconnect")
        found = await runs_of(running, kernel, 5)
    assert [one.start.target for one in only(found, act="debug", who="alice")] == [
        "initialize", "attach", "evaluate", "disconnect",
    ]  # fmt: skip
    (listening,) = only(found, act="execute")  # ipykernel executes `import debugpy; debugpy.listen(...)` in itself
    assert (listening.start.who, listening.start.road, listening.start.silent) == (None, "other", True)


async def test_what_jupyterlab_asks_of_debuggers_at_every_turn_is_not_on_record_but_all_else_is(
    running: Served,
) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        assert (await debug(socket, "debugInfo"))["success"] is True
        for command, arguments in (
            ("inspectVariables", {}),
            ("richInspectVariables", {"variableName": "__import__"}),
            ("modules", {}),
            ("debuginfo", {}),
        ):
            await debug(socket, command, **arguments)
        asks = {"type": "request", "seq": 1, "command": "debugInfo"}
        await socket.output_of(await socket.send("execute_request", request("1") | asks))
        await debug(socket, "debugInfo")
        found = await runs_of(running, kernel, 5)
    assert [(one.start.act, one.start.target, one.start.who) for one in found] == [
        ("debug", "inspectVariables", "alice"), ("debug", "richInspectVariables", "alice"),
        ("debug", "modules", "alice"), ("debug", "debuginfo", "alice"), ("execute", "debugInfo", "alice"),
    ]  # fmt: skip


@pytest.mark.parametrize(("once", "twice"), [
    ('"msg_type": "execute_request"', '"msg_type": "execute_request", "msg_type": "history_request"'),
    ('"code": "x = 2"', '"code": "x = 2", "code": "x"'),
])  # fmt: skip
async def test_a_message_that_a_kernel_could_read_differently_ends_the_connection(
    running: Served, once: str, twice: str
) -> None:
    async with notebook(running, "alice") as (alice, kernel, socket):
        await socket.run("x = 1")
        header = {"msg_id": "m", "msg_type": "execute_request", "username": "", "session": "", "version": "5.4"}
        parts = [json.dumps(part).encode() for part in (header, {}, {}, request("x = 2"))]
        forged = [part.replace(once.encode(), twice.encode()) for part in parts]
        assert forged != parts
        bounds = list(accumulate(map(len, [b"shell", *forged]), initial=8 * (len(forged) + 3)))
        lengths = b"".join(number.to_bytes(8, "little") for number in (len(bounds), *bounds))
        await socket.connection.write_message(lengths + b"shell" + b"".join(forged), binary=True)
        with pytest.raises(ConnectionError):
            while True:
                await socket.receive()
        again = await alice.connect(kernel, V1)
        assert (await again.run("print(x)"))[0] == "1\n"
        assert len(await runs_of(running, kernel, 2)) == 2


async def test_a_cell_sent_over_the_control_channel_is_on_record(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        msg_id = await socket.send("execute_request", request("by_control = 1"), channel="control")
        assert (await reply_to(socket, msg_id, "execute_reply"))["status"] == "ok"
        assert (await socket.run("print(by_control)"))[0] == "1\n"
        found = await runs_of(running, kernel, 2)
    assert [(one.start.who, one.start.length, one.end.status) for one in found] == [
        ("alice", 14, "ok"),
        ("alice", 17, "ok"),
    ]


async def test_a_kernel_of_another_specification_is_on_record_with_what_it_runs(running: Served) -> None:
    folder = running.folder / "jupyter_data_dir" / "kernels" / "mine"
    folder.mkdir(parents=True)
    argv = [sys.executable, "-c", "import ipykernel.kernelapp as k; k.launch_new_instance()", "-f", "{connection_file}"]
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    async with notebook(running, "alice") as (alice, usual, first):
        await first.run("1")
        kernel = (await alice.session("mine.ipynb", name="mine")).json()["kernel"]["id"]
        socket = await alice.connect(kernel)
        loaded = await socket.run("import sys; print('jupyter_securecollab.notebook' in sys.modules)")
        assert loaded[0] == "False\n"
        found = await runs_of(running, kernel, 1)
        await alice.delete(f"api/kernels/{kernel}")
        everything = await runs_of(running)
    assert [(one.start.who, one.start.notebook, one.end.status) for one in found] == [("alice", "mine.ipynb", "ok")]
    own, other = (only(everything, kernel=one, act="kernel")[0] for one in (usual, kernel))
    assert (own.start.target, other.start.target) == ("python3", "mine")
    assert own.start.length != other.start.length and own.start.code != other.start.code


async def test_an_answer_typed_in_is_on_record_but_not_what_was_typed(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        msg_id = await socket.send("execute_request", request("answer = input('?')", allow_stdin=True))
        await reply_to(socket, msg_id, "input_request")
        await socket.send("input_reply", {"value": "hunter2"}, channel="stdin")
        await reply_to(socket, msg_id, "execute_reply")
        found = await runs_of(running, kernel, 2)
    (typed,) = only(found, act="input_reply")
    assert (typed.start.who, typed.start.length, typed.start.code) == ("alice", None, None)
    assert len(only(found, act="execute")) == 1


async def test_a_subshell_is_named(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        created = await socket.send("create_subshell_request", {}, channel="control")
        subshell = (await reply_to(socket, created, "create_subshell_reply"))["subshell_id"]
        await socket.output_of(await socket.send("execute_request", request("1"), subshell_id=subshell))
        (one,) = await runs_of(running, kernel, 1)
    assert (one.start.subshell, one.start.who, one.end.status) == (subshell, "alice", "ok")


async def test_who_it_was_is_never_what_the_message_says(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.output_of(await socket.send("execute_request", request("1"), username="bob", session="bob"))
        (one,) = await runs_of(running, kernel, 1)
    assert one.start.who == "alice"


async def directly(server: Served, kernel: str, code: str) -> None:
    """Somebody with the kernel's connection file, as `jupyter console --existing` and nbclient have one."""
    prologue = """
    import sys
    from jupyter_client.blocking.client import BlockingKernelClient
    client = BlockingKernelClient()
    client.load_connection_file(sys.argv[1])
    client.start_channels()
    client.wait_for_ready(timeout=30)
    """
    file = server.folder / "jupyter_runtime_dir" / f"kernel-{kernel}.json"
    script = f"{dedent(prologue)}\n{dedent(code)}\nclient.stop_channels()"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", script, str(file))
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_what_comes_by_the_connection_file_is_there_and_attributed_to_nobody(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        execute = """
        client.execute("by_the_back_door = 1", reply=True, timeout=30)
        client.execute("silently = 2", silent=True, reply=True, timeout=30)
        """
        await directly(running, kernel, execute)
        printed, _ = await socket.run("print(by_the_back_door + silently)")
        found = await runs_of(running, kernel, 3)
    assert printed == "3\n"
    loud, silent = only(found, road="other")
    assert [(one.start.who, "unattributed" in one.remarks) for one in (loud, silent)] == [(None, True)] * 2
    assert (loud.start.silent, loud.start.length) == (False, len("by_the_back_door = 1"))
    assert (silent.start.silent, silent.start.length, silent.end.status) == (True, None, "ok")
    assert [one.start.who for one in only(found, road="websocket")] == ["alice"]


async def test_another_road_cannot_hide_behind_the_id_of_a_message_in_flight(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        msg_id = await socket.send("execute_request", request("import time; time.sleep(4)"))

        execute = f"""
        content = dict(code="hidden = 1", silent=False, store_history=True, user_expressions={{}}, allow_stdin=False)
        message = client.session.msg("execute_request", content)
        message["header"]["msg_id"] = message["msg_id"] = {msg_id!r}
        client.shell_channel.send(message)
        client.get_shell_msg(timeout=60)
        """
        await directly(running, kernel, execute)
        found = await runs_of(running, kernel, 2)
    (hidden,) = only(found, road="other")
    assert (hidden.start.who, hidden.start.length) == (None, len("hidden = 1"))
    assert [one.start.who for one in only(found, road="websocket")] == ["alice"]


async def test_a_cell_that_forges_another_parent_takes_nothing_off_the_record(running: Served) -> None:
    forge = """
    kernel = get_ipython().kernel
    for parent in ({"header": {"msg_id": "other", "msg_type": "execute_request"}}, kernel.get_parent()):
        header = dict(parent["header"])
        for state in ("busy", "idle"):
            kernel.session.send(kernel.iopub_socket, "status", {"execution_state": state}, parent={"header": header},
                                ident=b"kernel.x.status")
    """
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.run(dedent(forge))
        await socket.run("2")
        found = await runs_of(running, kernel, 3)
    assert len(only(found, road="websocket", who="alice")) == 2
    assert all(one.start.who is None for one in only(found, road="other"))
    assert len(only(found, road="other")) >= 1


async def test_hooks_taken_out_of_the_kernel_change_nothing(running: Served) -> None:
    silence = """
    shell = get_ipython()
    shell.run_line_magic("unload_ext", "jupyter_securecollab.notebook")
    for name in ("pre_run_cell", "pre_execute"):
        for callback in list(shell.events.callbacks[name]):
            shell.events.unregister(name, callback)
    """
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.run(dedent(silence))
        await socket.run("after = 1")
        found = await runs_of(running, kernel, 2)
    assert [(one.start.who, one.end.status) for one in found] == [("alice", "ok")] * 2


async def test_threads_and_cells_run_by_cells_belong_to_the_cell_that_ran_them(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.run("import threading; t = threading.Thread(target=lambda: None); t.start(); t.join()")
        await socket.run("get_ipython().run_cell('nested = 1')")
        found = await runs_of(running, kernel, 2)
    assert len(found) == 2


async def test_a_kernel_that_a_cell_starts_itself_leaves_only_that_cell(running: Served) -> None:
    own = """
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel()
    client.execute("1", reply=True, timeout=60)
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    """
    before = len(await runs_of(running))
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.run(dedent(own))
        await socket.run("'afterwards'")
        await runs_of(running, kernel, 2)  # records are written in order
        found = await runs_of(running)
    new = [one.start.act for one in found[before:]]
    assert new == ["kernel", "execute", "execute"]


async def test_names_of_notebooks_are_text(running: Served, capsys) -> None:
    path = "../../x\x1b[2J" + "y" * 200
    async with notebook(running, "alice") as (alice, kernel, socket):
        (session,) = (await alice.get("api/sessions")).json()
        assert (await alice.patch(f"api/sessions/{session['id']}", {"path": path})).status_code == 200
        await socket.run("1")
        (one,) = await runs_of(running, kernel, 1)
    assert one.start.notebook == path
    assert main(["--folder", str(running.folder / "vault"), "audit", "show", "--executions"]) == 0
    printed = capsys.readouterr().out
    assert "../../x\N{REPLACEMENT CHARACTER}[2J" in printed and "\x1b" not in printed


async def test_two_tabs_and_two_people_are_told_apart(running: Served) -> None:
    async with (
        notebook(running, "alice", "same.ipynb") as (alice, kernel, first),
        notebook(running, "bob", "same.ipynb") as (_, other, his),
    ):
        second = await alice.connect(kernel)
        await asyncio.gather(first.run("'first'"), second.run("'second tab'"), his.run("'bob'"))
        hers = await runs_of(running, kernel, 2, notebook="same.ipynb")
        bobs = await runs_of(running, other, 1, notebook="same.ipynb")
    assert sorted(one.start.length for one in hers) == [len("'first'"), len("'second tab'")]
    assert [one.start.who for one in (*hers, *bobs)] == ["alice", "alice", "bob"]


async def test_a_client_that_leaves_in_the_middle_is_no_matter(running: Served) -> None:
    async with notebook(running, "alice") as (alice, kernel, socket):
        await socket.send("execute_request", request("import time; time.sleep(1); 1 / 0"))
        await asyncio.sleep(0.3)
        socket.connection.close()
        (one,) = await runs_of(running, kernel, 1)
        assert (one.start.who, one.end.status, one.end.error) == ("alice", "error", "ZeroDivisionError")
        assert one.end.took > 900_000
        again = await alice.connect(kernel)
        await again.run("1")
        assert len(await runs_of(running, kernel, 2)) == 2


async def test_reconnecting_to_buffered_messages_adds_nothing(running: Served, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(gone)!r}).exists(): time.sleep(0.05)\n"

    async with notebook(running, "alice") as (alice, kernel, socket):
        await socket.run("1")
        socket.connection.close()
        await nobody_at(alice, kernel)
        session = uuid.uuid4().hex
        first = await alice.connect(kernel, session=session)
        await first.run("2")  # a server that is still connecting buffers nothing
        msg_id = await first.send("execute_request", request(wait + "print('late')"))
        first.connection.close()
        await nobody_at(alice, kernel)
        gone.touch()
        assert len(await runs_of(running, kernel, 3)) == 3
        again = await alice.connect(kernel, session=session)
        assert await again.output_of(msg_id) == "late\n"
        found = await runs_of(running, kernel, 3)
    assert [one.end.status for one in found] == ["ok"] * 3


async def nobody_at(person: Person, kernel: str) -> None:
    """Until the server has noticed that the last websocket to a kernel is closed."""
    async with asyncio.timeout(60):
        while (await person.get(f"api/kernels/{kernel}")).json()["connections"]:
            await asyncio.sleep(0.05)


async def test_an_interrupted_cell_says_so(running: Served) -> None:
    async with notebook(running, "alice") as (alice, kernel, socket):
        msg_id = await socket.send("execute_request", request("import time; print(1, flush=True); time.sleep(60)"))
        await reply_to(socket, msg_id, "stream")
        await alice.post(f"api/kernels/{kernel}/interrupt")
        await socket.output_of(msg_id)
        (one,) = await runs_of(running, kernel, 1)
    assert (one.end.status, one.end.error) == ("error", "KeyboardInterrupt")


async def test_a_restart_in_the_middle_ends_what_ran_and_what_waited(running: Served) -> None:
    async with notebook(running, "alice") as (alice, kernel, socket):
        deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        msg_id = await socket.send("execute_request", request(deaf))
        await socket.send("execute_request", request("2"))
        await reply_to(socket, msg_id, "stream")
        assert (await alice.post(f"api/kernels/{kernel}/restart")).status_code == 200
        fresh = await alice.connect(kernel)
        await fresh.run("3")
        cells, found = await runs_of(running, kernel, 3), await runs_of(running)
    assert [one.end.status for one in cells] == ["restarted", "restarted", "ok"]
    processes = only(found, kernel=kernel, act="kernel")
    assert [(one.start.who, one.start.target, one.end and one.end.status) for one in processes] == [
        ("alice", "python3", "restarted"), ("alice", "python3", None),
    ]  # fmt: skip


async def test_a_kernel_that_dies_ends_what_ran(running: Served) -> None:
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.send("execute_request", request("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
        (one,) = await runs_of(running, kernel, 1)
    assert (one.start.who, one.end.status) == ("alice", "died")


async def test_what_was_opened_is_named_with_the_highest_level_in_play(running: Served) -> None:
    with closing(running.client("alice")) as client:
        share(client, "study/levels")
    async with notebook(running, "alice") as (_, kernel, socket):
        await socket.run("1")
        await socket.run(
            dedent("""
            from jupyter_securecollab.notebook.session import current
            opened = current().client.open("study/levels")
        """)
        )
        await socket.run("2")
        found = await runs_of(running, kernel, 3)
    assert [one.level for one in found] == [None, "secret", "secret"]
    assert [[(asset.name, asset.level) for asset in one.end.assets] for one in found] == [
        [], [("study/levels", "secret")], [],
    ]  # fmt: skip
