"""Where the states of a trial's trainings are kept."""

import logging
from pathlib import Path

import numpy as np
import pytest

from tuner_component.search.storage import arrays
from tuner_component.search.training.checkpoint_files import (
    CheckpointFiles,
    begin_run,
    directory_of,
    reached,
    saved_at,
)


def test_states_come_back_by_number(tmp_path: Path) -> None:
    """The second execution would go on with the state of the first."""
    checkpoints = CheckpointFiles(str(tmp_path / "a"))
    for fit in (0, 1):
        checkpoints.write(fit, arrays.encode({"fit": fit}))
    checkpoints.write(1, arrays.encode({"fit": "newer"}))
    again = CheckpointFiles(str(tmp_path / "a"))
    assert again.latest == 1
    assert again.take(1) == {"fit": "newer"}
    assert again.latest == 0
    assert again.take(0) == {"fit": 0}
    assert again.take(0) is again.take(1) is None


def test_nothing_is_written_for_a_trial_that_saves_nothing(tmp_path: Path) -> None:
    """Ten thousand short trials would leave ten thousand directories."""
    checkpoints = CheckpointFiles(str(tmp_path / "a"))
    checkpoints.clear()
    assert checkpoints.latest == -1 and checkpoints.run == 0
    assert not (tmp_path / "a").exists()


def test_a_torn_state_is_dropped_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A power loss would end in a stack trace, or in a training on garbage."""
    checkpoints = CheckpointFiles(str(tmp_path))
    for fit in (0, 1):
        checkpoints.write(fit, arrays.encode({"fit": fit}))
    path = tmp_path / "fit-00001.state"
    path.write_bytes(path.read_bytes()[:-7])
    with caplog.at_level(logging.WARNING):
        again = CheckpointFiles(str(tmp_path))
    assert again.latest == 0
    assert (again.take(0), again.take(1)) == ({"fit": 0}, None)
    assert str(path) in caplog.text and "starts over" in caplog.text
    assert not path.exists()


def test_files_of_others_are_ignored(tmp_path: Path) -> None:
    """An editor's backup would be taken for a state."""
    (tmp_path / "fit-00001.state~").write_bytes(b"x")
    (tmp_path / ".fit-00001.state.12.0.tmp").write_bytes(b"x")
    assert CheckpointFiles(str(tmp_path)).latest == -1


def test_a_run_that_failed_is_counted_and_its_states_go(tmp_path: Path) -> None:
    """A retry would go on into the failure, with the seed that led to it."""
    directory = directory_of(str(tmp_path), "03")
    for run in range(2):
        checkpoints = CheckpointFiles(directory)
        assert checkpoints.run == run
        checkpoints.write(0, arrays.encode({}))
        checkpoints.clear_for_next_run()
    again = CheckpointFiles(directory)
    assert again.run == 2 and again.latest == -1
    again.clear()
    assert not Path(directory).exists()


def test_a_run_that_is_begun_anew_counts_those_before(tmp_path: Path) -> None:
    """A trial would be run again with the seed that it has failed with."""
    begin_run(str(tmp_path), "7", 2)
    assert reached(str(tmp_path), "7") == (2, 0, 0)
    directory = Path(directory_of(str(tmp_path), "7"))
    (directory / "run-00001").touch()
    (directory / "fit-00000.state").write_bytes(b"x")
    begin_run(str(tmp_path), "7", 2)
    assert (directory / "fit-00000.state").exists()  # It has begun since.
    begin_run(str(tmp_path), "7", 3)
    assert [path.name for path in directory.iterdir()] == ["run-00003"]


def test_how_far_a_trial_got_is_told_without_its_weights(tmp_path: Path) -> None:
    """A trial that advances would be failed, or one that does not be run for ever."""
    study = str(tmp_path)
    points = [reached(study, "0")]
    trainings: list[tuple[int, dict[str, object]]] = [
        (0, {"epoch": 0}),
        (0, {"history": {"loss": [1.0]}, "epoch": 11, "weights": np.ones(9)}),
        (0, {"epoch": None}),
        (1, {"epoch": 3}),
        (2, {"why": "It cannot be saved."}),
    ]
    for fit, state in trainings:
        CheckpointFiles(directory_of(study, "0")).write(fit, arrays.encode(state))
        points.append(reached(study, "0"))
    CheckpointFiles(directory_of(study, "0")).clear_for_next_run()
    points.append(reached(study, "0"))
    assert points == [
        *((0, 0, 0), (0, 0, 1), (0, 0, 12), (0, 1, 0), (0, 1, 4), (0, 2, 0)),
        (1, 0, 0),
    ]
    assert points == sorted(points)


def test_what_was_just_saved_need_not_be_read(tmp_path: Path) -> None:
    """A pause would read megabytes, or count as another point than a death there."""
    study, directory = str(tmp_path), directory_of(str(tmp_path), "0")
    for _ in range(2):
        CheckpointFiles(directory).write(3, arrays.encode({"epoch": 11}))
        assert saved_at(study, "0", 3, 12) == reached(study, "0")
        CheckpointFiles(directory).clear_for_next_run()


@pytest.mark.parametrize(
    "content",
    [b"", b"garbage", arrays.encode([1]), arrays.encode({"epoch": "x"})],
)
def test_what_cannot_be_read_got_nowhere(tmp_path: Path, content: bytes) -> None:
    """A search would end because a checkpoint is damaged, before it looks at another."""
    path = Path(directory_of(str(tmp_path), "0"), "fit-00000.state")
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert reached(str(tmp_path), "0") == (0, 0, 0)


def test_storage_that_fails_is_no_failure_of_the_trial(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would end because its trial's leftovers cannot be removed."""
    (tmp_path / "trials").write_text("no directory can be made here")
    checkpoints = CheckpointFiles(directory_of(str(tmp_path), "0"))
    with caplog.at_level(logging.WARNING):
        checkpoints.clear_for_next_run()
    assert "may start over" in caplog.text
    assert checkpoints.run == 1
    checkpoints.clear()
    assert reached(str(tmp_path), "0") == (0, 0, 0)
    (tmp_path / "unreadable" / "fit-00000.state").mkdir(parents=True)
    assert CheckpointFiles(str(tmp_path / "unreadable")).latest == -1
