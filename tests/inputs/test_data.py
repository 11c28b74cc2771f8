"""Data is converted once, and whole, whoever else wants it at the same time."""

import errno
import fcntl
import gzip
import logging
import threading
from collections.abc import Callable
from concurrent import futures
from pathlib import Path

import pytest

from tuner_component.inputs import data, inputs, whole

PARTS = ["part-0", "part-1"]


class Conversion:
    """Writes one file, waits to be let go, and writes another."""

    def __init__(self) -> None:
        self.half_done = threading.Event()
        self.go = threading.Event()
        self.calls = 0

    def __call__(self, directory: str) -> None:
        self.calls += 1
        (Path(directory) / PARTS[0]).touch()
        self.half_done.set()
        assert self.go.wait(60)
        (Path(directory) / PARTS[1]).touch()


@pytest.fixture
def conversion() -> Conversion:
    return Conversion()


def parts(home: Path) -> list[str]:
    return sorted(path.name for path in home.glob("part-*"))


def directories(parent: Path) -> list[str]:
    return [path.name for path in parent.iterdir() if path.is_dir()]


def told(caplog: pytest.LogCaptureFixture, text: str) -> threading.Event:
    """Set as soon as a line with a text is logged."""
    event = threading.Event()

    def see(record: logging.LogRecord) -> bool:
        if text in record.getMessage():
            event.set()
        return True

    caplog.handler.addFilter(see)
    return event


def make(home: Path, fill: Callable[[str], None]) -> list[str]:
    whole.make(str(home), fill)
    return parts(home)


def test_second_search_waits_for_the_conversion_of_the_first(
    tmp_path: Path, conversion: Conversion, caplog: pytest.LogCaptureFixture
) -> None:
    """It would remove half of the first one's data, and both train on the rest."""
    home = tmp_path / "data" / "digest"
    with caplog.at_level("INFO"), futures.ThreadPoolExecutor() as pool:
        waits = told(caplog, "Waiting for another process")
        first = pool.submit(make, home, conversion)
        assert conversion.half_done.wait(60)
        assert not home.exists()
        second = pool.submit(make, home, conversion)
        assert waits.wait(60)
        conversion.go.set()
        assert first.result() == second.result() == PARTS
    assert conversion.calls == 1


def test_without_locks_the_faster_one_wins(
    tmp_path: Path, conversion: Conversion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a filesystem without locks, two searches would mix what they convert."""

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    home = tmp_path / "data" / "digest"
    with futures.ThreadPoolExecutor() as pool:
        slower = pool.submit(make, home, conversion)
        assert conversion.half_done.wait(60)
        faster = Conversion()
        faster.go.set()
        assert make(home, faster) == PARTS
        conversion.go.set()
        assert slower.result() == PARTS
    assert directories(home.parent) == ["digest"]


def test_what_a_killed_search_left_is_not_used(
    tmp_path: Path, conversion: Conversion
) -> None:
    """A search would train on half of its data, or leave gigabytes behind each time."""
    home = tmp_path / "data" / "digest"
    for left in (home, home.with_name("digest.part-dead")):
        left.mkdir(parents=True)
        (left / "part-of-old").touch()
    conversion.go.set()
    assert make(home, conversion) == PARTS
    assert directories(home.parent) == ["digest"]


def test_conversion_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """The next search would find data that nobody finished."""
    home = tmp_path / "data" / "digest"

    def fail(directory: str) -> None:
        (Path(directory) / PARTS[0]).touch()
        raise ValueError

    with pytest.raises(ValueError):
        whole.make(str(home), fail)
    assert directories(home.parent) == []


def test_another_schema_does_not_replace_the_first(tmp_path: Path) -> None:
    """A search that runs would go on with another search's schema."""
    made = []
    for text in ("one", "two"):
        given = tmp_path / "schema.pbtxt"
        given.write_text(text)
        made.append(Path(data._schema(str(given), str(tmp_path / "data")).uri))
    assert [(path / "schema.pbtxt").read_text() for path in made] == ["one", "two"]
    assert all(len(list(path.iterdir())) == 1 for path in made)


@pytest.mark.parametrize("divided", [False, True])
def test_every_split_has_a_folder_for_each_class(divided: bool, tmp_path: Path) -> None:
    """Keras would number the classes of both splits in two ways."""
    parts = {"train": ["a", "b", "c"], "val": ["b", "c"]}
    for part, names in parts.items() if divided else [("all", ["a", "b", "c"])]:
        for name in names:
            (tmp_path / "pets" / part / name).mkdir(parents=True)
            (tmp_path / "pets" / part / name / "1.png").touch()
    of = [str(tmp_path / "pets" / part) for part in (parts if divided else ("all",))]
    given = inputs.found(of[:1], of[1:])
    data._link_images(given, str(tmp_path / "out"))
    for split in ("train", "eval"):
        folders = (tmp_path / "out" / f"Split-{split}").iterdir()
        assert sorted(path.name for path in folders) == ["a", "b", "c"]


def test_name_says_whether_a_file_is_compressed(tmp_path: Path) -> None:
    """TFX would unpack what is not packed, and find it damaged."""
    (tmp_path / "plain.gz").write_bytes(b"plain")
    (tmp_path / "packed").write_bytes(gzip.compress(b"packed"))
    paths = [str(tmp_path / name) for name in ("plain.gz", "packed")]
    data._link(paths, str(tmp_path / "out"))
    found = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert found == ["00000-plain", "00001-packed.gz"]
