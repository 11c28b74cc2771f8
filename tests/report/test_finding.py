"""Where studies are below the directories that people know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import studies
from tuner_component.report import finding
from tuner_component.report.loading import find, load_study, own_directory


def study(root: Path, where: str) -> str:
    path = root / where
    return str(studies.directory_of_a_study(path, id=path.name))


def test_studies_of_a_node_hide_those_below_it(tmp_path: Path) -> None:
    """The study of a pipeline that lies in there would be taken for the node's."""
    own = study(tmp_path, ".system/studies/00000000000000ab")
    other = study(tmp_path, "inner/.system/studies/00000000000000cd")
    assert finding.candidates(str(tmp_path)) == [own]
    assert set(finding.everywhere_below(str(tmp_path))) == {own, other}


def test_a_directory_of_studies_has_them(tmp_path: Path) -> None:
    """What people wrote into TuneArgs.study_dir would be no place of studies to them."""
    own = [study(tmp_path, f"00000000000000{name}") for name in ("aa", "bb")]
    assert sorted(finding.candidates(str(tmp_path))) == own
    assert load_study(tmp_path).study_id in ("00000000000000aa", "00000000000000bb")


@pytest.mark.parametrize("name", ["a file", "no such"])
def test_what_is_no_directory_has_no_studies(name: str, tmp_path: Path) -> None:
    """A mistyped path would end in a stack trace."""
    (tmp_path / "a file").touch()
    assert finding.candidates(str(tmp_path / name)) == []
    assert finding.everywhere_below(str(tmp_path / name)) == []
    with pytest.raises(FileNotFoundError, match="Expected a study"):
        load_study(tmp_path / name)


def test_newest_study_of_a_pipeline_is_taken_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It would depend on names which of two Tuners is shown; or be said twice."""
    early, late = "2025-01-01T00:00:00+0000", "2025-01-02T00:00:00+0000"
    for name, when in (("a", late), ("b", early)):
        path = tmp_path / name / ".system" / "studies" / f"00000000000000{name}{name}"
        studies.directory_of_a_study(path, id=path.name, created=when)
    found = find(tmp_path)
    assert found.endswith("aa") and len(caplog.records) == 1
    assert own_directory(found)[0] == found
    assert load_study(found).study_id == "00000000000000aa"
    assert len(caplog.records) == 1


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    """`list` would never come to its end."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    assert finding.everywhere_below(str(tmp_path)) == []
