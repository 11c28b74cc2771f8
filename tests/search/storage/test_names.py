"""Whatever a trial is called, its files stay where they belong."""

import itertools
from pathlib import Path

import pytest

from tuner_component.search.storage import names

STRANGE = [
    "",
    ".",
    "..",
    "../../victim",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a%2Fb",
    "a~b",
    "a\0b",
    "ä",
    "\ud800",
    "a" * 300,
    "a" * 299 + "b",
    "%" * 90,
]


@pytest.mark.parametrize("name", ["0", "0012", "a-b_c.1", "A" * 100])
def test_plain_name_stays(name: str) -> None:
    """Directories of earlier releases would not be found again."""
    assert names.component(name) == name


@pytest.mark.parametrize("name", STRANGE)
def test_any_name_is_one_component(tmp_path: Path, name: str) -> None:
    """Files outside of the study would be written, or deleted."""
    path = tmp_path / names.component(name)
    path.mkdir()
    assert [p.name for p in tmp_path.iterdir()] == [names.component(name)]
    assert path.resolve().parent == tmp_path.resolve()
    assert len(path.name) <= 120 and not path.name.startswith(".")


def test_different_names_stay_different() -> None:
    """Two trials would share their files."""
    quoted = [names.component(name) for name in STRANGE]
    again = [names.component(name) for name in quoted]
    for some, other in itertools.combinations({*quoted, *again, *STRANGE}, 2):
        assert names.component(some) != names.component(other)
