"""What every `Objects` must do, run on each of them; and what a folder leaves on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jupyter_securecollab.adapters.objects import ObjectFolder, ObjectMemory
from jupyter_securecollab.core.ports import Objects
from jupyter_securecollab.errors import NotFound, Unavailable

PATH = "objects/ab/abcdef"
SIZES = [0, 1, 4 * 2**20 - 1, 4 * 2**20, 9 * 2**20 + 7]


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    yield ObjectFolder(tmp_path / "store") if request.param == "folder" else ObjectMemory()


def put(objects: Objects, path: str, data: bytes, step: int = 1_000_003) -> None:
    upload = objects.create(path)
    for start in range(0, len(data), step):
        upload.write(data[start : start + step])
    upload.finish()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read_in_any_range(objects: Objects, size: int) -> None:
    data = os.urandom(size)
    put(objects, PATH, data)
    assert objects.size(PATH) == size
    for start, stop in ((0, size), (size // 2, size), (0, 1), (size - 1, size)):
        if 0 <= start < stop <= size:
            assert objects.read(PATH, start, stop) == data[start:stop]


def test_nothing_is_there_before_it_is_finished(objects: Objects) -> None:
    upload = objects.create(PATH)
    upload.write(b"x" * 9_000_000)
    assert objects.size(PATH) is None
    with pytest.raises(NotFound):
        objects.read(PATH, 0, 1)
    upload.finish()
    assert objects.size(PATH) == 9_000_000


@pytest.mark.parametrize("finished", [False, True])
def test_what_is_abandoned_is_gone(objects: Objects, finished: bool) -> None:
    upload = objects.create(PATH)
    upload.write(b"x" * 9_000_000)
    if finished:
        upload.finish()
    upload.abandon()
    assert objects.size(PATH) is None and list(objects.list("objects/")) == []


@pytest.mark.parametrize(("start", "stop"), [(0, 11), (10, 11), (5, 2**40), (2**40, 2**40 + 1)])
def test_reading_past_the_end_is_not_found(objects: Objects, start: int, stop: int) -> None:
    put(objects, PATH, b"0123456789")
    with pytest.raises(NotFound):
        objects.read(PATH, start, stop)
    assert objects.read(PATH, 9, 10) == b"9"


def test_missing_objects_have_no_size_and_can_be_deleted_again(objects: Objects) -> None:
    assert objects.size(PATH) is None
    objects.delete(PATH)
    put(objects, PATH, b"x")
    objects.delete(PATH)
    objects.delete(PATH)
    with pytest.raises(NotFound):
        objects.read(PATH, 0, 1)


def test_list_names_everything_below_a_prefix_with_its_time(objects: Objects) -> None:
    for name in ("objects/aa/1", "objects/bb/2", "other/3"):
        put(objects, name, b"x")
    found = dict(objects.list("objects/"))
    assert set(found) == {"objects/aa/1", "objects/bb/2"}
    assert all(abs(datetime.now(UTC) - at) < timedelta(minutes=1) for at in found.values())
    assert list(objects.list("nothing/")) == []


def test_an_object_is_a_file_only_where_files_are_kept(tmp_path: Path) -> None:
    folder, memory = ObjectFolder(tmp_path / "store"), ObjectMemory()
    for objects in (folder, memory):
        put(objects, PATH, b"sealed")
    assert Path(folder.file(PATH) or "").read_bytes() == b"sealed"
    assert memory.file(PATH) is None


# ---- a folder --------------------------------------------------------------------------------------------------


def test_folder_and_files_are_for_the_vault_alone(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir(mode=0o755)
    objects = ObjectFolder(tmp_path / "store")
    put(objects, PATH, b"x")
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes["store"] == 0o700 and modes["store/objects/ab/abcdef"] == 0o600


def test_what_a_killed_process_left_is_listed_so_that_it_can_be_deleted(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from jupyter_securecollab.adapters.objects import ObjectFolder\n"
        f"upload = ObjectFolder(Path(sys.argv[1])).create({PATH!r})\n"
        "upload.write(b'x' * 9_000_000); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    objects = ObjectFolder(tmp_path)
    assert objects.size(PATH) is None
    ((left, _),) = objects.list("objects/")
    objects.delete(left)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_object_is_never_written_twice_at_once(tmp_path: Path) -> None:
    objects = ObjectFolder(tmp_path)
    first = objects.create(PATH)
    with pytest.raises(Unavailable):
        objects.create(PATH)
    first.abandon()


def test_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    objects = ObjectFolder(tmp_path)
    (tmp_path / "objects").write_text("a file where a folder should be")
    with pytest.raises(Unavailable):
        objects.create(PATH)


def test_a_link_or_pipe_in_the_place_of_a_part_is_not_read(tmp_path: Path) -> None:
    folder = ObjectFolder(tmp_path)
    key = tmp_path / "root.key"
    key.write_bytes(b"secret")
    put(folder, PATH, b"sealed")
    place = tmp_path / PATH
    place.unlink()
    place.symlink_to(key)
    with pytest.raises(Unavailable):
        folder.read(PATH, 0, 6)
    place.unlink()
    os.mkfifo(place)
    with pytest.raises(NotFound):
        folder.read(PATH, 0, 6)
    place.unlink()
    place.write_bytes(b"sealed")
    assert folder.read(PATH, 0, 6) == b"sealed"
