"""Studies load from their artifact and from their directory, and without much else."""

import json
from pathlib import Path

import pytest

from tests.support import studies
from tests.support.imports import run_without
from tuner_component import load_study
from tuner_component.search.study.study import Study


def test_artifact_is_loaded_by_its_uri(tmp_path: Path) -> None:
    """What was published could not be read."""
    study = studies.big_study(5)
    (tmp_path / "study.json").write_text(study.to_json())
    assert load_study(tmp_path) == study
    assert load_study(f"file://{tmp_path}/study.json") == study


@pytest.mark.parametrize("trials", [5, 4])
def test_record_of_another_search_than_the_table_is_said(
    tmp_path: Path, trials: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Another search's best trial would be taken for this one's, after a mix-up."""
    rows = [
        {"trial_id": trial.trial_id, "score": trial.score}
        for trial in studies.big_study(5).completed
    ]
    (tmp_path / "tuner_results.json").write_text(json.dumps(rows))
    (tmp_path / "study.json").write_text(studies.big_study(trials).to_json())
    load_study(tmp_path)
    assert len(caplog.messages) == (trials != 5)


def test_study_that_is_running_is_loaded(tmp_path: Path) -> None:
    """A search could not be looked at before it is over."""
    study = load_study(studies.directory_of_a_study(tmp_path / "study"))
    assert study.status == "running"
    assert study.best is not None and study.best.score == 0.5


@pytest.mark.parametrize("parent", ["studies", ".system/studies"])
@pytest.mark.parametrize("spelling", ["{}", "{}/", "file://{}"])
def test_study_is_found_below_what_people_name(
    tmp_path: Path, parent: str, spelling: str
) -> None:
    """People would have to know the fingerprint of their search."""
    directory = tmp_path / parent / studies.DESCRIPTION["id"]
    studies.directory_of_a_study(directory)
    (tmp_path / parent / "of_which_nothing_is_written_yet").mkdir()
    (tmp_path / parent / "a_file").touch()
    assert load_study(spelling.format(tmp_path)).study_id == directory.name


def test_of_several_studies_the_one_that_started_last_is_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An old search would be shown, or people would not know which one is."""
    for name, created in (
        ("a", "2025-01-02"),
        ("b", "2025-01-03"),
        ("c", "2025-01-01"),
    ):
        directory = tmp_path / "studies" / name
        studies.directory_of_a_study(directory, created=created, id=name * 16)
    assert load_study(tmp_path).study_id == "b" * 16
    [warning] = caplog.messages
    assert f"3 studies below {tmp_path}" in warning
    assert f"started last: {tmp_path}/studies/b." in warning
    assert f"{tmp_path}/studies/a, {tmp_path}/studies/c" in warning
    caplog.clear()
    assert load_study(tmp_path / "studies" / "c").study_id == "c" * 16
    assert not caplog.messages


def test_started_last_is_a_moment_not_a_text(tmp_path: Path) -> None:
    """Hyperparameters of a laptop's search would be taken for those of the pod's."""
    studies.directory_of_a_study(
        tmp_path / "studies" / "laptop", created="2026-01-02T14:49:00+0900", id="a" * 16
    )
    studies.directory_of_a_study(
        tmp_path / "studies" / "pod", created="2026-01-02T05:49:02+0000", id="b" * 16
    )
    assert load_study(tmp_path).study_id == "b" * 16


@pytest.mark.parametrize("left", ["", "studies", "studies/0123"])
def test_results_are_found_where_the_studies_are_gone(
    tmp_path: Path, left: str
) -> None:
    """Who has cleaned up would be told that there is nothing at all."""
    (tmp_path / left).mkdir(parents=True, exist_ok=True)
    (tmp_path / "results").mkdir()
    study = studies.big_study(5)
    (tmp_path / "results" / "study.json").write_text(study.to_json())
    assert load_study(tmp_path) == study
    own = tmp_path / "studies" / studies.DESCRIPTION["id"]
    studies.directory_of_a_study(own)
    assert load_study(tmp_path).status == "running"


def damaged(directory: Path) -> None:
    directory.mkdir(parents=True)
    (directory / "study.json").write_text('{"id": "b')


def test_damaged_neighbour_is_passed_over_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One bad file would hide all other studies; or, silently, the one that was meant."""
    studies.directory_of_a_study(tmp_path / "studies" / "a", id="a" * 16)
    damaged(tmp_path / "studies" / "b")
    (tmp_path / "studies" / "c" / "study.json").mkdir(parents=True)
    assert load_study(tmp_path).study_id == "a" * 16
    assert len(caplog.messages) == 2
    for name, message in zip("bc", caplog.messages, strict=True):
        assert f"Passing over {tmp_path}/studies/{name}," in message
        assert "Expected" in message and "Received" in message


def test_damaged_study_alone_is_an_error_that_names_it(tmp_path: Path) -> None:
    """People would hear that there is no study at all."""
    damaged(tmp_path / "studies" / "b")
    with pytest.raises(ValueError, match="Expected .*/studies/b/study.json"):
        load_study(tmp_path)


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """A look at a running search could damage it."""
    directory = studies.directory_of_a_study(tmp_path / "study")
    before = sorted(directory.rglob("*"))
    load_study(directory)
    assert sorted(directory.rglob("*")) == before


def test_nothing_there_says_what_to_name(tmp_path: Path) -> None:
    """A mistyped path would end in a bare stack trace."""
    with pytest.raises(FileNotFoundError, match="Expected a study.*Received: nothing"):
        load_study(tmp_path / "no")
    with pytest.raises(FileNotFoundError, match="started just now has none until"):
        load_study(tmp_path)


def test_another_file_of_that_name_is_refused(tmp_path: Path) -> None:
    """Any JSON would be taken for a study."""
    (tmp_path / "study.json").write_text('{"id": 1}')
    with pytest.raises(ValueError, match="JSON of something else"):
        load_study(tmp_path)


@pytest.mark.parametrize(
    ("content", "received"),
    [
        ("", "an empty file"),
        ("{", "truncated JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "`array` instead of `object`"),
        ("{}", "missing required field `format`"),
        ('{"id": [], "fingerprint": {}, "format": 1}', "- at `\\$.id`"),
        ('{"id": "x", "fingerprint": {}, "format": 1e999}', "- at `\\$.format`"),
    ],
)
def test_damaged_description_says_how_to_mend_it(
    tmp_path: Path, content: str, received: str
) -> None:
    """People would be told to name another directory than that of their study."""
    directory = studies.directory_of_a_study(tmp_path / "study")
    (directory / "study.json").write_text(content)
    with pytest.raises(ValueError, match=f"{received}.*Run the search again"):
        load_study(directory)


def test_a_changed_seed_is_not_believed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A record would name a seed that does not give the same trials again."""
    directory = str(tmp_path / "study")
    with Study.open(directory, {"data": "1"}, seed=5) as study:
        study.commit()
    path = tmp_path / "study" / "study.json"
    content = json.loads(path.read_text())
    content.pop("sha256", None)  # Which earlier releases did not write.
    path.write_text(json.dumps({**content, "seed": 6}))
    assert load_study(directory).seed == 5
    assert "seed" in caplog.text


def test_loads_without_what_a_search_needs(tmp_path: Path) -> None:
    """A laptop that reads results would need TensorFlow, TFX and the user's module."""
    (tmp_path / "study.json").write_text(studies.big_study(3).to_json())
    code = (
        "from tuner_component import load_study\n"
        "print(len(load_study(sys.argv[1]).to_frame()))"
    )
    needless = ("tensorflow", "tfx", "keras", "keras_tuner")
    done = run_without(needless, code, str(tmp_path))
    assert (done.stdout, done.stderr) == ("3\n", "")
