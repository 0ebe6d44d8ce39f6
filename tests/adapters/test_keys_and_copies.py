"""What every `KeyService` must do; secret files; checkpoints copied to a folder."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_securecollab.adapters.checkpoints import CheckpointFolder
from jupyter_securecollab.adapters.keyfile import KeyFile, secret_file
from jupyter_securecollab.core.ports import KeyService
from jupyter_securecollab.errors import StoreBroken

SERVICES: dict[str, Callable[[bytes], KeyService]] = {"key file": KeyFile}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> Callable[[bytes], KeyService]:
    return SERVICES[request.param]


def test_wrapped_key_opens_with_its_context_only(service) -> None:
    one = service(b"r" * 32)
    wrapped = one.wrap(b"k" * 32, b"context")
    assert one.unwrap(wrapped, b"context") == b"k" * 32
    for context in (b"", b"Context", b"context "):
        with pytest.raises(StoreBroken):
            one.unwrap(wrapped, context)


def test_no_two_wrappings_are_the_same_and_none_shows_the_key(service) -> None:
    one = service(b"r" * 32)
    first, second = one.wrap(b"k" * 32, b""), one.wrap(b"k" * 32, b"")
    assert first != second and b"kkkk" not in first


def test_another_root_key_opens_nothing(service) -> None:
    wrapped = service(b"r" * 32).wrap(b"k" * 32, b"context")
    with pytest.raises(StoreBroken, match="does not belong to this root key"):
        service(b"R" * 32).unwrap(wrapped, b"context")


def test_damaged_wrappings_are_refused(service) -> None:
    one = service(b"r" * 32)
    wrapped = one.wrap(b"k" * 32, b"context")
    flipped = [wrapped[:n] + bytes([wrapped[n] ^ 1]) + wrapped[n + 1 :] for n in range(len(wrapped))]
    for damaged in (*flipped, b"", wrapped[:5], wrapped[:-1], wrapped + b"x"):
        with pytest.raises(StoreBroken):
            one.unwrap(damaged, b"context")


# ---- secret files ----------------------------------------------------------------------------------------------


def test_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "vault" / "root.key"
    made = secret_file(path, may_create=True)
    assert len(made) == 32 and secret_file(path, may_create=True) == secret_file(path, may_create=False) == made
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["root.key"]


def test_many_first_starts_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as threads:
        made = set(threads.map(lambda _: secret_file(tmp_path / "root.key", may_create=True), range(16)))
    assert len(made) == 1 and len(list(tmp_path.iterdir())) == 1


def test_missing_secret_is_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(StoreBroken, match=r"root\.key is missing"):
        secret_file(tmp_path / "root.key", may_create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_secret_of_another_size_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "root.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StoreBroken, match="damaged"):
        secret_file(path, may_create=True)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "root.key"
    secret_file(path, may_create=True)
    path.chmod(mode)
    with pytest.raises(StoreBroken, match="can be read by others") as error:
        secret_file(path, may_create=False)
    assert error.value.next_step.startswith("chmod 600")


# ---- copies of checkpoints -------------------------------------------------------------------------------------


def test_checkpoints_are_kept_one_file_each_and_sort_by_size(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path / "copies")
    for size in (9, 100, 1000):
        folder.save(size, f"note {size}\n")
    assert [path.read_text() for path in sorted((tmp_path / "copies").iterdir())] == [
        "note 9\n",
        "note 100\n",
        "note 1000\n",
    ]


def test_a_checkpoint_already_there_is_left_as_it_is(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save(7, "first")
    folder.save(7, "second")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["first"]


def test_a_folder_that_cannot_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        CheckpointFolder(tmp_path / "file").save(1, "note")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
