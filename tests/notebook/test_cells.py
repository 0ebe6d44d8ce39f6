"""What IPython would do to our lines and cells, and does not."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import capture_output

import jupyter_securecollab as collab
from jupyter_securecollab.errors import Invalid, InvalidName, NotSignedIn
from jupyter_securecollab.notebook import load_ipython_extension, unload_ipython_extension
from jupyter_securecollab.notebook.language import MAGICS


@pytest.fixture(autouse=True)
def no_vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("SECURECOLLAB_URL", "SECURECOLLAB_TOKEN", "SECURECOLLAB_LOG_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))


def run(shell: InteractiveShell, cell: str) -> tuple[ExecutionResult, str]:
    """Run a cell; its result and what it showed."""
    with capture_output() as captured:
        result = shell.run_cell(cell)
    shown = "".join(str(output.data.get("text/plain", "")) for output in captured.outputs)
    return result, captured.stdout + captured.stderr + shown


@pytest.mark.parametrize(
    "word",
    [
        "{os.environ.__setitem__('TAKEN','1')}",
        "{os.environ.setdefault('TAKEN','1')}",
        "a/{os.environ.setdefault('TAKEN','1')}",
        "{shout()}",
        "$(shout())",
        "${shout()}",
    ],
)
@pytest.mark.parametrize(
    "line", ["%classify WORD", "x = %open WORD", "%share WORD --with bob", "%access WORD", "%audit WORD"]
)
def test_nothing_in_a_line_is_ever_executed(shell: InteractiveShell, line: str, word: str, monkeypatch: Any) -> None:
    monkeypatch.delenv("TAKEN", raising=False)
    shell.user_ns.update(os=os, shout=lambda: os.environ.setdefault("TAKEN", "1"))
    result, _ = run(shell, line.replace("WORD", word))
    assert result.error_in_exec is not None and "TAKEN" not in os.environ


def test_a_dollar_variable_is_not_substituted(shell: InteractiveShell) -> None:
    shell.user_ns["secret"] = "oncology/patients"
    result, _ = run(shell, "%access $secret")
    assert isinstance(result.error_in_exec, Invalid) and "'$secret'" in str(result.error_in_exec)


def test_a_whole_word_in_braces_is_the_text_it_names(shell: InteractiveShell) -> None:
    shell.user_ns["frame_name"] = "people"
    shell.user_ns["people"] = pd.DataFrame({"ssn": ["1"]})
    result, shown = run(shell, "%classify {frame_name}")
    assert result.success and "us_ssn" in shown


@pytest.mark.parametrize(
    "cell",
    [
        "x = %open a/b?",
        "if True:\n    x = %open a/b?",
        "%open a/b?",
        "x = y = 1\nd = {}\nd['k'] = %open a/b?\n",
        "x = \\\n  %open a/b?",
    ],
)
def test_a_question_mark_after_a_name_is_no_call_for_help(shell: InteractiveShell, cell: str) -> None:
    result, _ = run(shell, cell)
    assert isinstance(result.error_in_exec, InvalidName) and "'a/b?'" in str(result.error_in_exec)


@pytest.mark.parametrize(
    "cell",
    [
        "%access a/b --because why?",
        "%share a/b --with bob --because why?",
        "%share a/b \\\n --with bob \\\n --because why?",
    ],
)
def test_a_question_as_a_reason_is_text(shell: InteractiveShell, cell: str) -> None:
    assert "get_ipython().run_line_magic" in shell.transform_cell(cell) and "why?" in shell.transform_cell(cell)
    assert "pinfo" not in shell.transform_cell(cell)
    result, _ = run(shell, cell)
    assert isinstance(result.error_in_exec, Invalid | NotSignedIn)


@pytest.mark.parametrize("cell", ["%share?", "%open??", "?%mask"])
def test_help_is_still_help(shell: InteractiveShell, cell: str) -> None:
    assert "pinfo" in shell.transform_cell(cell)


def test_text_inside_strings_is_never_touched(shell: InteractiveShell) -> None:
    cell = 'note = """\n%share x --because why?\n%%share x\n"""\nother = "x = %open a/b?"\n'
    result, _ = run(shell, cell)
    assert result.success
    assert shell.user_ns["note"] == "\n%share x --because why?\n%%share x\n"
    assert shell.user_ns["other"] == "x = %open a/b?"


def test_other_help_and_other_magics_are_left_to_ipython(shell: InteractiveShell) -> None:
    for cell in ("len?", "%timeit?", "x = len?", "%time print('why?')", "x = %env HOME"):
        with_ours = shell.transform_cell(cell)
        unload_ipython_extension(shell)
        assert shell.transform_cell(cell) == with_ours
        load_ipython_extension(shell)


def test_quotes_are_taken_off(shell: InteractiveShell) -> None:
    result, _ = run(shell, '%classify nothing --set="two words=publik"')
    assert "'nothing'" in str(result.error_in_exec)
    shell.user_ns["people"] = pd.DataFrame({"two words": ["1"]})
    result, _ = run(shell, '%classify people --set "two words=publik"')
    assert isinstance(result.error_in_exec, NotSignedIn)


@pytest.mark.parametrize(
    "cell", ["%share x --wit bob", "%share x --unt 30d", "%open a/b --col A", "%share x --becuase y"]
)
def test_abbreviated_and_misspelled_flags_are_refused(shell: InteractiveShell, cell: str) -> None:
    result, _ = run(shell, cell)
    assert isinstance(result.error_in_exec, Invalid) and "has no flag" in str(result.error_in_exec)


def test_the_cell_of_a_share_runs_first_and_its_last_variable_is_shared(shell: InteractiveShell) -> None:
    cell = "%%share --as a/b\nx = 1\ny = x + 1"
    lines = shell.transform_cell(cell).splitlines()
    assert lines == ["", "x = 1", "y = x + 1", "get_ipython().run_line_magic('share', 'y --as a/b')"]
    result, _ = run(shell, cell)
    assert shell.user_ns["y"] == 2 and isinstance(result.error_in_exec, NotSignedIn)


@pytest.mark.parametrize(
    ("body", "shared"),
    [
        ("x = 1\nx", "x"),
        ("x = y = 1", "y"),
        ("x: int = 1", "x"),
        ("x = %env HOME", "x"),
        ("x = 1\nprint(x)", ""),
        ("x, y = 1, 2", ""),
        ("x = (", ""),
        ("", ""),
    ],
)
def test_which_variable_a_cell_shares(shell: InteractiveShell, body: str, shared: str) -> None:
    last = shell.transform_cell(f"%%share --as a/b\n{body}").splitlines()[-1]
    assert last == f"get_ipython().run_line_magic('share', '{f'{shared} --as a/b'.strip()}')"


def test_a_named_variable_wins_over_the_last_one(shell: InteractiveShell) -> None:
    assert shell.transform_cell("%%share x --as a/b\nx = 1\ny = 2").splitlines()[-1].endswith("'x --as a/b')")


def test_await_works_in_a_shared_cell(shell: InteractiveShell) -> None:
    result, _ = run(shell, "%%share\nimport asyncio\nx = await asyncio.sleep(0, result=7)")
    assert shell.user_ns["x"] == 7 and isinstance(result.error_in_exec, NotSignedIn)


def test_an_error_in_a_shared_cell_is_its_own_and_nothing_is_shared(shell: InteractiveShell) -> None:
    result, shown = run(shell, "%%share x\nx = 1\nx / 0")
    assert isinstance(result.error_in_exec, ZeroDivisionError) and "line 3" in shown


@pytest.mark.parametrize(
    "cell", ["mask & 3", "labels[0]", "share", "open.name", "access / 2", "shares", "audit == 1", "mask"]
)
def test_automagic_never_takes_python_for_one_of_ours(shell: InteractiveShell, cell: str) -> None:
    shell.automagic = True
    result, shown = run(shell, cell)
    assert isinstance(result.error_in_exec, NameError | AttributeError), shown


def test_a_variable_named_like_a_verb_is_that_variable(shell: InteractiveShell) -> None:
    run(shell, "mask = 5")
    assert run(shell, "mask & 3")[0].result == 1


def test_automagic_of_others_still_works(shell: InteractiveShell) -> None:
    shell.automagic = True
    result, shown = run(shell, "pwd")
    assert result.success and str(Path.cwd()) in shown + str(result.result)


def test_nothing_of_python_or_ipython_is_taken(shell: InteractiveShell) -> None:
    namespace: dict[str, Any] = {}
    exec("from jupyter_securecollab import *", namespace)
    assert "share" in namespace and "open" not in namespace
    assert shell.user_ns.get("open", open) is not collab.open and builtins.open is not collab.open
    assert "IPython.core.magics.history" in shell.find_line_magic("history").__module__


def test_errors_are_one_line_and_a_next_step_and_still_stop_the_cell(shell: InteractiveShell) -> None:
    result, shown = run(shell, "%open nothing\nreached = True")
    assert isinstance(result.error_in_exec, InvalidName) and "reached" not in shell.user_ns
    assert shown.strip().splitlines() == [
        "InvalidName: 'nothing' is not a name for something shared",
        "Next: Use project/name with letters, digits and . _ - only.",
    ]


def test_the_functions_raise_and_show_the_same(shell: InteractiveShell) -> None:
    by_magic = run(shell, "%open nothing")
    by_function = run(shell, "import jupyter_securecollab as collab\ncollab.open('nothing')")
    assert by_magic[1] == by_function[1] and type(by_magic[0].error_in_exec) is type(by_function[0].error_in_exec)


def test_control_characters_in_an_error_cannot_repaint_the_screen(shell: InteractiveShell) -> None:
    _, shown = run(shell, "%open a/\x1b[2Jb\u202ec")
    assert "\x1b[2J" not in shown and "\u202e" not in shown


def test_mistakes_of_others_keep_their_traceback(shell: InteractiveShell) -> None:
    _, shown = run(shell, "def broken():\n    raise ValueError('x')\nbroken()")
    assert "Traceback" in shown


@pytest.mark.parametrize("magic", MAGICS)
def test_every_magic_explains_itself(shell: InteractiveShell, magic: str) -> None:
    result, shown = run(shell, f"%{magic} --help")
    assert result.success and MAGICS[magic].summary in shown
    assert MAGICS[magic].help() == shell.find_line_magic(magic).__doc__
    assert callable(getattr(collab, magic)) and getattr(collab, magic).__doc__


def test_loading_twice_is_harmless_and_unloading_leaves_nothing(shell: InteractiveShell) -> None:
    def installed() -> list[int]:
        transformers: Any = shell.input_transformer_manager
        prefilter: Any = shell.prefilter_manager
        places = [transformers.cleanup_transforms, transformers.token_transformers, prefilter.checkers]
        return [len(one) for one in (*places, shell.Completer.custom_matchers, shell.ast_transformers)]

    once = installed()
    load_ipython_extension(shell)
    assert installed() == once
    unload_ipython_extension(shell)
    unload_ipython_extension(shell)
    assert [a - b for a, b in zip(once, installed(), strict=True)] == [2, 1, 1, 1, 1]
    assert all(shell.find_line_magic(magic) is None for magic in MAGICS) and shell.find_cell_magic("mask") is None


def test_a_kernel_without_a_vault_says_how_to_get_one(shell: InteractiveShell) -> None:
    result, shown = run(shell, "%shares")
    assert isinstance(result.error_in_exec, NotSignedIn) and "jupyter securecollab login" in shown


@pytest.mark.parametrize("value", ["5", "'text'", "[1, 2]", "pd.Series([1])"])
def test_only_frames_are_classified_and_masked(shell: InteractiveShell, value: str) -> None:
    run(shell, f"import pandas as pd\nx = {value}")
    result, _ = run(shell, "%classify x")
    assert isinstance(result.error_in_exec, Invalid) and "is not a frame" in str(result.error_in_exec)


@pytest.mark.parametrize(
    ("value", "way"),
    [("pd.Series([1])", ".to_frame()"), ("pl.Series([1])", ".to_frame()"), ("[1, 2]", "an Arrow table.")],
)
def test_what_is_nearly_a_frame_is_told_the_way(shell: InteractiveShell, value: str, way: str) -> None:
    run(shell, f"import pandas as pd\nimport polars as pl\nx = {value}")
    _, shown = run(shell, "%mask x")
    assert way in shown


def test_a_file_s_name_without_its_folder_is_told_how_files_are_shared(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "report.txt").write_text("hello")
    result, shown = run(shell, "%share report.txt --with bob")
    assert isinstance(result.error_in_exec, Invalid) and "./report.txt" in shown


def test_classifying_suggests_and_changes_nothing(shell: InteractiveShell) -> None:
    run(
        shell,
        "import pandas as pd\npeople = pd.DataFrame({'ssn': ['999-76-6866'], 'age': [3]})\nbefore = people.copy()",
    )
    _, shown = run(shell, "%classify people")
    assert "us_ssn" in shown and "not reviewed" in shown and "999-76-6866" not in shown
    run(shell, "pd.testing.assert_frame_equal(people, before)\nsame = people.attrs == {}")
    assert shell.user_ns["same"]


def test_in_a_terminal_a_shared_cell_goes_on_after_its_first_line(shell: InteractiveShell) -> None:
    manager = shell.input_transformer_manager
    assert manager.check_complete("%%share x\n")[0] == "incomplete"
    assert manager.check_complete("%%share x\nx = 1\n\n")[0] == "complete"
    assert manager.check_complete("x = %open a/b?\n")[0] == "complete"
