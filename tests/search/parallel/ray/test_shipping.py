"""Bringing code to nodes."""

import sys
import threading
import zipfile
from multiprocessing import connection
from pathlib import Path

import pytest

from tuner_component.search.errors import SearchError
from tuner_component.search.parallel.ray import meeting, shipping
from tuner_component.search.parallel.ray.messages import CodeWanted


def test_only_what_is_not_installed_travels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gigabytes of TensorFlow would be sent, or the user's module would be missing."""
    mine = tmp_path / "mine"
    mine.mkdir()
    monkeypatch.chdir(mine)
    path = ["", str(mine), str(tmp_path / "not there"), *sys.path]
    found = shipping.user_path(path)
    assert found[0] == str(mine) and found.count(str(mine)) == 1
    assert not any("site-packages" in entry for entry in found)
    assert str(tmp_path / "not there") not in found


def test_code_arrives_as_it_was(tmp_path: Path) -> None:
    """A module would lack the data file or the package beside it."""
    source = tmp_path / "source"
    (source / "package").mkdir(parents=True)
    (source / "module.py").write_text("x = 1\n")
    (source / "package" / "words.txt").write_bytes(b"\xff\x00")
    (source / "__pycache__").mkdir()
    (source / "__pycache__" / "module.pyc").write_bytes(b"old")
    (source / ".git").mkdir()
    (source / ".git" / "index").write_bytes(b"history")
    places = shipping.unpack(
        {str(source): shipping.pack(str(source))}, str(tmp_path / "target")
    )
    there = Path(places[str(source)])
    assert (there / "module.py").read_text() == "x = 1\n"
    assert (there / "package" / "words.txt").read_bytes() == b"\xff\x00"
    assert not (there / "__pycache__").exists() and not (there / ".git").exists()


def test_data_does_not_travel_as_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone whose module lies beside the data would send it all to each node."""
    monkeypatch.setattr(shipping, "_LARGEST", 1000)
    (tmp_path / "data.bin").write_bytes(bytes(2000))
    with pytest.raises(SearchError, match="Expected the code .* Received: .*which"):
        shipping.pack(str(tmp_path))


def test_other_code_at_the_same_place_is_not_the_same(tmp_path: Path) -> None:
    """A node would train with last week's module, which is still in its directory."""
    here, there = tmp_path / "here", tmp_path / "there"
    for directory in (here, there):
        (directory / "package").mkdir(parents=True)
        (directory / "module.py").write_text("x = 1\n")
        (directory / "package" / "part.py").write_text("")
    (there / "data.csv").write_text("other data are no other code")
    sources = {str(there): shipping.digest(str(here))}
    assert shipping.lacking([str(there)], sources) == ()
    (there / "package" / "part.py").write_text("y = 2\n")
    assert shipping.lacking([str(there)], sources) == (str(there),)
    (there / "package" / "part.py").unlink()
    assert shipping.lacking([str(there)], sources) == (str(there),)


def test_where_data_lie_only_the_directory_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search from a home directory would want to send all of it."""
    monkeypatch.setattr(shipping, "_LARGEST", 1000)
    (tmp_path / "data.bin").write_bytes(bytes(2000))
    assert shipping.digests([str(tmp_path)]) == {}
    assert shipping.lacking([str(tmp_path)], {}) == ()
    gone = str(tmp_path / "gone")
    assert shipping.lacking([gone], {}) == (gone,)


def test_what_cannot_be_read_as_a_file_is_left_out(tmp_path: Path) -> None:
    """A socket or a broken link beside the module would end the search."""
    (tmp_path / "link.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "module.py").write_text("")
    data = shipping.pack(str(tmp_path))
    (tmp_path / "archive").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "archive") as archive:
        assert archive.namelist() == ["module.py"]


def test_a_node_gets_no_other_directory(tmp_path: Path) -> None:
    """One who knows the key could read any file of the driver's machine."""
    for name in ("mine", "other"):
        (tmp_path / name).mkdir()
    mine, other = str(tmp_path / "mine"), str(tmp_path / "other")
    archives = shipping.Archives([mine]).of([mine, other]).archives
    assert list(archives) == [mine]


def test_one_who_takes_nothing_holds_up_no_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reception has so many chairs; hung nodes would take them one by one."""
    monkeypatch.setattr(shipping, "_STALL_S", 1)
    large = bytes(32 << 20)  # More than the network takes for one who does not read.
    monkeypatch.setattr(shipping, "pack", lambda _: large)
    code, gone = shipping.Archives([str(tmp_path)]), threading.Event()

    def answer(wanted: CodeWanted, channel: connection.Connection) -> None:
        try:
            code.answer(wanted, channel)
        except OSError:
            gone.set()

    key, wanted = b"k" * 32, CodeWanted((str(tmp_path),))
    address = meeting.Reception("127.0.0.1", key, answer).address
    with meeting.call(address, key, wanted):
        with meeting.call(address, key, wanted) as reads:
            assert reads.recv().archives == {str(tmp_path): large}
        assert gone.wait(10)


def test_all_nodes_get_what_was_packed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred nodes would wait for the same megabytes to be packed a hundred times."""
    packed: list[str] = []
    monkeypatch.setattr(shipping, "pack", lambda name: packed.append(name) or b"zip")
    code = shipping.Archives([str(tmp_path)])
    for _ in range(3):
        assert code.of([str(tmp_path)]).archives == {str(tmp_path): b"zip"}
    assert packed == [str(tmp_path)]
