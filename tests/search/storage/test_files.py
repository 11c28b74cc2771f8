"""Whole files, whole or not at all; what filesystems share is in tests/conformance."""

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.search.conftest import Mount
from tests.support import crashes
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files, local_files


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

    def record_replace(source: str, target: str, **places: Any) -> None:
        calls.append("replace")
        replace(source, target, **places)

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr(os, "replace", record_replace)
    files.write_bytes(str(tmp_path / "file"), b"x")
    assert calls == ["file", "replace", "dir"]
    calls.clear()
    files.makedirs(str(tmp_path / "a" / "b"))
    assert calls == ["dir", "dir"]


def test_no_more_is_read_than_wanted(tmp_path: Path) -> None:
    """Gigabytes would be read for what comes first in them."""
    path = str(tmp_path / "file")
    files.write_bytes(path, b"abc")
    assert files.read_bytes(path, 2) == b"ab"
    assert files.read_bytes(path, 9) == files.read_bytes(path) == b"abc"


def test_appending_keeps_what_is_there(tmp_path: Path) -> None:
    """A commit would write over those before it, or be cut short."""
    path, written = tmp_path / "file", b""
    for size in (10, 40_000, 3, 20_000):
        data = bytes([ord("a") + size % 26]) * size
        files.append_bytes(str(path), data, at=len(written))
        written += data
        assert path.read_bytes().rstrip(b"\n") == written


def test_most_appends_change_no_length(tmp_path: Path) -> None:
    """Each commit would wait for the filesystem's own journal, too."""
    path, lengths = tmp_path / "file", set()
    for number in range(100):
        files.append_bytes(str(path), b"x" * 500, at=number * 500)
        lengths.add(path.stat().st_size)
    assert len(lengths) < 6


def test_append_is_synced_and_its_new_name_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power failure would lose what was said to be durable."""
    calls = []
    pwrite, fsync = os.pwrite, os.fsync
    monkeypatch.setattr(
        os, "pwrite", lambda *args: (calls.append("write"), pwrite(*args))[1]
    )
    monkeypatch.setattr(
        local_files, "_sync_data", lambda d: (calls.append("data"), fsync(d))
    )
    monkeypatch.setattr(os, "fsync", lambda d: (calls.append("dir"), fsync(d)))
    path = str(tmp_path / "file")
    files.append_bytes(path, b"x", at=0)
    assert calls == ["write", "data", "dir"]
    calls.clear()
    files.append_bytes(path, b"x", at=1)
    assert calls == ["write", "data"]


def test_write_that_comes_short_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit would be taken for durable of which the kernel took a part."""
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda d, data, at: pwrite(d, data[:7], at))
    path = tmp_path / "file"
    files.append_bytes(str(path), b"0123456789" * 3, at=0)
    assert path.read_bytes().startswith(b"0123456789" * 3)


def test_append_to_a_file_that_is_gone_is_explained(tmp_path: Path) -> None:
    """What comes after a deletion would be kept without what came before."""
    path = tmp_path / "file"
    files.append_bytes(str(path), b"x", at=0)
    path.unlink()
    with pytest.raises(StorageError, match="No such file"):
        files.append_bytes(str(path), b"x", at=1)
    assert not path.exists()


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
        "from tuner_component.search.storage import files\n"
        "from tuner_component.search.study import study\n"
        f"files.write_bytes({str(tmp_path / 'file')!r}, b'x')\n"
        f"study.Study.open({str(tmp_path / 'study')!r}, {{}}).close()\n"
        "assert not {'tensorflow', 'keras_tuner'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_overwriting_follows_no_link(tmp_path: Path) -> None:
    """The mark of a journal's end would be written over somebody's file."""
    (tmp_path / "victim").write_text("content")
    (tmp_path / "mark").symlink_to(tmp_path / "victim")
    with pytest.raises(StorageError):
        files.overwrite_bytes(str(tmp_path / "mark"), b"x" * 8)
    assert (tmp_path / "victim").read_text() == "content"
