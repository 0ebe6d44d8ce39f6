"""Bad input and bad luck: one clear error, nothing shared by halves, nothing shown as anything but text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import papermill
import pytest
from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor
from notebook_kernels import Kernel, VaultServer

Kernels = Callable[[str | None], Kernel]
FRAME = "import pandas as pd\nnumbers = pd.DataFrame({'number': [1, 2]})"
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def alice(vault_server: VaultServer) -> Iterator[Kernel]:
    """A kernel that has held nothing sensitive, after which it would ask about everything."""
    own = Kernel(vault_server, "alice")
    own.ok(FRAME)
    yield own
    own.stop()


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("%open nobody/nothing", "Denied", "Next: "),
        ("%access nobody/nothing", "Denied", "Next: "),
        ("%share nobody/nothing --with bob", "Denied", "Next: "),
        ("%unshare nobody/nothing --with bob", "Denied", "Next: "),
        ("%open testvault:nobody/nothing", "Denied", "Next: "),
        ("%open othervault:a/b", "Invalid", "connected to the vault testvault"),
        ("%vault https://vault.example.org", "Invalid", "jupyter securecollab login https://vault.example.org"),
        ("%vault othervault", "Invalid", "connected to the vault testvault"),
        ("%share numbers --as a/faulty --with nobody", "NotFound", "there is no person nobody"),
        ("%share numbers --as a/faulty --with @nobody", "NotFound", "there is no group @nobody"),
        ("%share numbers --as a/faulty --with bob --up-to internl", "UnknownLevel", "Did you mean internal?"),
        ("%share numbers --as a/faulty --with bob --up-to top", "UnknownLevel", "The levels are"),
        ("%classify numbers --set number=publik", "UnknownLevel", "Did you mean public?"),
        ("%classify numbers --set nmuber=public", "Invalid", "Did you mean number?"),
        ("%share numbers --as a/faulty --with bob --until 2020-01-01", "InvalidTime", "already over"),
        ("%share numbers --as a/faulty --with bob --from 3d --until 2d", "InvalidTime", "before it begins"),
        ("%share numbers --as a/faulty --with bob --until soon", "InvalidTime", "30d"),
        ("%share numbers --as a/faulty --with bob --can fly", "Invalid", "open, update, manage"),
        (
            "%share numbers --as a/faulty --with bob --mask number=null",
            "Invalid",
            "everybody here reads up to internal",
        ),
        ("%share numbers --as a/faulty --with bob --mask nmuber=null", "Invalid", "Did you mean number?"),
        ("%share numbers --as a/faulty --level secret", "Invalid", "a level per column"),
        ("%share numbers --as a/faulty --until 3d", "Invalid", "nobody is named"),
        ("%share numbers --as nameless", "InvalidName", "project/name"),
        ("%share numbers --as ../../etc/passwd", "InvalidName", "project/name"),
        ("%share numbers --as a/..", "InvalidName", "project/name"),
        ("%share numbers --as 'a/b\"c'", "InvalidName", "project/name"),
        ("%share numbers --as a/\N{PILE OF POO}", "InvalidName", "project/name"),
        (f"%share numbers --as a/{SCRIPT}", "InvalidName", "project/name"),
        ("%share numbers --as a/" + "x" * 5000, "InvalidName", "project/name"),
        ("%share numbers --with ../bob", "InvalidName", "user name"),
        ("%share nosuch --with bob", "Invalid", "no variable"),
        ("%share ./nosuch.csv --as a/faulty", "CannotHold", "not a file"),
        ("%share pd --as a/faulty", "CannotHold", "scikit-learn"),
        ("%open alice/faulty --version latest", "Invalid", "%versions"),
        ("%audit --since whenever", "InvalidTime", "30d"),
        ("%unshare alice/faulty", "Invalid", "nobody is named"),
    ],
)
def test_bad_input_is_refused_with_one_line_and_a_next_step(alice: Kernel, line: str, error: str, says: str) -> None:
    refused = alice.run(line)
    assert refused.error == error and says in refused.traceback
    assert len(refused.traceback.splitlines()) == 2 and len(refused.traceback) < 1000
    assert "a/faulty" not in alice.ok("%shares").text


@pytest.mark.parametrize(
    "line",
    [
        "%share numbers --as a/faulty --with bob --for {long}",
        "%share numbers --as a/faulty --with bob --because {long}",
        "%open a/faulty --for {long}",
        "%open {long}",
        "%share numbers --as a/faulty --with {long}",
    ],
)
def test_ten_megabytes_of_text_are_refused(alice: Kernel, line: str) -> None:
    refused = alice.run(f"long = 'why ' * 2_500_000\n{line}")
    assert refused.error in ("TooLarge", "InvalidName") and len(refused.traceback) < 1000


def test_html_and_script_are_shown_as_text_wherever_they_stand(alice: Kernel, kernel: Kernels) -> None:
    alice.ok(f"evil = pd.DataFrame({{'{SCRIPT}': ['{SCRIPT}'], 'ssn': ['{SCRIPT}']}})")
    shown = [
        alice.ok("%classify evil --accept"),
        alice.ok("%mask evil --preview"),
        alice.ok(f"%share evil --as a/evil --with bob --for '{SCRIPT}' --because '{SCRIPT}' --preview"),
        alice.ok(f"%share evil --as a/evil --with bob --for '{SCRIPT}' --because '{SCRIPT}'"),
        alice.ok("%access a/evil"),
        kernel("bob").ok(f"_mine = %open a/evil --for '{SCRIPT}'"),
        alice.ok("%audit a/evil"),
    ]
    html = "".join(one.html for one in shown)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "<script" not in html
    assert SCRIPT in "".join(one.text for one in shown)


def test_values_never_stand_in_errors(alice: Kernel) -> None:
    alice.ok("mixed = pd.DataFrame({'ssn': ['999-76-6866', 5, b'Zoe']})\n%classify mixed --accept")
    for line in ("%share mixed --as a/mixed --with bob", "%share mixed --as a/mixed --mask ssn=redact", "%mask mixed"):
        refused = alice.run(line)
        assert refused.error in ("CannotHold", "Invalid") and "ssn" in refused.traceback
        assert "999-76-6866" not in refused.traceback and "Zoe" not in refused.traceback


def test_masking_leaves_the_frame_as_it_is(alice: Kernel) -> None:
    alice.ok("people = pd.DataFrame({'ssn': ['999-76-6866'], 'n': [1]})\nbefore = people.copy()")
    shown = alice.ok("masked = %mask people\nprint(masked.to_dict('list'))")
    assert "people is unchanged" in shown.text and "{'ssn': ['[us_ssn]'], 'n': [1]}" in shown.text
    alice.ok("pd.testing.assert_frame_equal(people, before)")
    shown = alice.ok("%mask people --preview --up-to public")
    assert "ssn (redact), n (null)" in shown.text


def test_an_interrupted_share_leaves_nothing_half_done(new_kernel: Kernels) -> None:
    alice = new_kernel("alice")
    alice.ok("import numpy as np, pandas as pd, signal, os, threading")
    alice.ok("from jupyter_securecollab import client")
    # The interrupt comes from the kernel itself, in the middle of sending the first part.
    alice.ok(
        "sent = client.Client.upload\n"
        "def upload(self, version, level, partition, chunks):\n"
        "    def interrupted():\n"
        "        yield next(iter(chunks))\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        yield from chunks\n"
        "    sent(self, version, level, partition, interrupted())\n"
        "client.Client.upload = upload\n"
        "big = pd.DataFrame({'n': np.arange(500_000), 'm': np.random.random(500_000)})"
    )
    stopped = alice.run("%share big --as alice/interrupted --with bob")
    assert stopped.error == "KeyboardInterrupt"
    assert "alice/interrupted" not in alice.ok("%shares").text
    assert "abort" in alice.ok("%audit --by alice").text
    alice.ok("client.Client.upload = sent")
    assert "version 1" in alice.ok("%share big --as alice/interrupted --with bob").text


def test_a_vault_that_is_down_is_said_to_be(new_kernel: Kernels) -> None:
    kernel = new_kernel(None)
    kernel.ok("import os\nos.environ.update(SECURECOLLAB_URL='http://127.0.0.1:9', SECURECOLLAB_TOKEN='scp_x')")
    refused = kernel.run("%shares")
    assert refused.error == "Unavailable" and "does not answer" in refused.traceback


def test_a_token_that_is_not_valid_is_said_to_be(new_kernel: Kernels, vault_server: VaultServer) -> None:
    kernel = new_kernel(None)
    kernel.ok(f"import os\nos.environ.update(SECURECOLLAB_URL={vault_server.url!r}, SECURECOLLAB_TOKEN='scp_wrong')")
    refused = kernel.run("%open a/b")
    assert refused.error == "NotSignedIn" and "Next: " in refused.traceback


@pytest.fixture
def signed_in(vault_server: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process's own children are kernels of alice."""
    for name, value in vault_server.environment("alice").items():
        monkeypatch.setenv(name, value)


CELLS = ["%load_ext jupyter_securecollab", "%open nobody/nothing", "raise SystemExit('went on')"]


def test_nbconvert_stops_at_our_errors(signed_in: None, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    with pytest.raises(CellExecutionError, match="Denied") as stopped:
        ExecutePreprocessor(timeout=60, kernel_name="python3").preprocess(
            notebook, {"metadata": {"path": str(tmp_path)}}
        )
    assert "went on" not in str(stopped.value)
    assert notebook.cells[1].outputs[0].traceback[1].startswith("Next: ")
    assert notebook.cells[2].execution_count is None


def test_papermill_stops_at_our_errors(signed_in: None, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "in.ipynb")
    with pytest.raises(papermill.PapermillExecutionError, match="Denied"):
        papermill.execute_notebook(tmp_path / "in.ipynb", tmp_path / "out.ipynb", progress_bar=False)


def test_the_same_notebook_runs_through_without_a_front_end(signed_in: None, tmp_path: Path) -> None:
    cells = ["%load_ext jupyter_securecollab", FRAME, "%vault", "%shares", "%audit --since 1h"]
    cells += ["%%share --as alice/batch --with bob --yes\nnumbers = numbers * 2"]
    cells += ["back = %open alice/batch\nassert back.number.tolist() == [2, 4]"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    ExecutePreprocessor(timeout=60, kernel_name="python3").preprocess(notebook, {"metadata": {"path": str(tmp_path)}})
    assert "shared alice/batch" in notebook.cells[5].outputs[0].data["text/plain"]
