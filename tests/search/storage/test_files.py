"""Whole files, whole or not at all; what filesystems share is in tests/conformance."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.search.conftest import Mount
from tests.support import crashes
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files


@pytest.mark.parametrize("point", ["files.write.written", "files.write.replaced"])
def test_file_is_old_or_new_after_a_crash(tmp_path: Path, point: str) -> None:
    """A crash in the middle of a write would leave half a file."""
    path = str(tmp_path / "file")
    files.write_bytes(path, b"old")
    assert not crashes.run(lambda: files.write_bytes(path, b"brand new"), point)
    assert files.read_bytes(path) in (b"old", b"brand new")


def test_file_is_synced_before_it_gets_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure could leave a name without content, or lose a new file."""
    calls = []
    fsync, replace = os.fsync, os.replace

    def record_sync(descriptor: int) -> None:
        calls.append("dir" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def record_replace(source: str, target: str) -> None:
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "replace", record_replace)
    files.write_bytes(str(tmp_path / "file"), b"x")
    assert calls == ["file", "replace", "dir"]
    calls.clear()
    files.makedirs(str(tmp_path / "a" / "b"))
    assert calls == ["dir", "dir"]


def test_full_disk_is_explained_and_leaves_the_old_file(mount: Mount) -> None:
    """A full disk would tear the file, or end in a bare OSError."""
    directory = mount("size=64k")
    path = str(directory / "file")
    files.write_bytes(path, b"old")
    with pytest.raises(StorageError, match=r"No space left.*Free some space"):
        files.write_bytes(path, bytes(200_000))
    assert files.read_bytes(path) == b"old"
    assert files.list_names(str(directory)) == ["file"]


def test_read_only_directory_is_explained(mount: Mount) -> None:
    """Nobody would be told to choose another directory."""
    directory = mount("ro")
    with pytest.raises(StorageError, match=r"Read-only.*choose another study"):
        files.write_bytes(str(directory / "file"), b"x")
    with pytest.raises(StorageError, match="Read-only"):
        files.makedirs(str(directory / "deep" / "er"))


def test_writing_into_nothing_is_explained(tmp_path: Path) -> None:
    """A study deleted while it runs would look like a new one."""
    with pytest.raises(StorageError, match="No such file"):
        files.write_bytes(str(tmp_path / "gone" / "file"), b"x")


def test_unknown_scheme_is_explained() -> None:
    """TensorFlow's own error would come through, with nothing to do about it."""
    with pytest.raises(StorageError, match=r"Expected to write nosuch://x/y"):
        files.write_bytes("nosuch://x/y", b"x")


def test_local_files_need_no_tensorflow(tmp_path: Path) -> None:
    """A process that only supervises would import TensorFlow, for seconds and GPUs."""
    code = (
        "import sys\n"
        "from tuner_component.search.storage import files; from tuner_component.search.study import journal, study\n"
        f"files.write_bytes({str(tmp_path / 'file')!r}, b'x')\n"
        f"study.Study.open({str(tmp_path / 'study')!r}, {{}}).close()\n"
        "assert not {'tensorflow', 'keras_tuner'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
