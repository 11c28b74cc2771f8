"""TensorBoard's own plugin reads what is written, while the search runs."""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing import plugin_event_multiplexer
from tensorboard.plugins.hparams import api_pb2, metadata

from tests.support import studies
from tests.support.imports import run_without
from tuner_component.report import tensorboard
from tuner_component.search import events

BEGUN = events.SearchStarted("study", "val_loss", "min", 2, space=studies.SPACE)
VALUES = {"units": 8, "rate": 0.01, "activation": "relu"}


def begin(directory: Path) -> tensorboard.TensorBoardWriter:
    writer = tensorboard.TensorBoardWriter(str(directory))
    writer(BEGUN)
    writer(events.TrialStarted("0", "worker-0", VALUES))
    return writer


def runs(directory: Path) -> Any:
    """The directory as TensorBoard sees it."""
    found = plugin_event_multiplexer.EventMultiplexer()
    return found.AddRunsFromDirectory(str(directory)).Reload()


def hparams(found: Any, run: str, tag: str) -> Any:
    content = found.SummaryMetadata(run, tag).plugin_data.content
    parse = {
        metadata.EXPERIMENT_TAG: metadata.parse_experiment_plugin_data,
        metadata.SESSION_START_INFO_TAG: metadata.parse_session_start_info_plugin_data,
        metadata.SESSION_END_INFO_TAG: metadata.parse_session_end_info_plugin_data,
    }
    return parse[tag](content)


def curve(found: Any, run: str, tag: str) -> list[tuple[int, float]]:
    return [
        (p.step, round(p.tensor_proto.float_val[0], 6)) for p in found.Tensors(run, tag)
    ]


def test_epochs_are_seen_while_the_trial_runs(tmp_path: Path) -> None:
    """A search would be dark until it is over."""
    writer = begin(tmp_path)
    writer(events.EpochEnded("0", 0, 0, {"val_loss": 0.5}))
    assert curve(runs(tmp_path), "0", "val_loss") == [(0, 0.5)]


def test_trial_of_any_id_is_a_run_of_the_search(tmp_path: Path) -> None:
    """Events would be written outside of the study."""
    writer = tensorboard.TensorBoardWriter(str(tmp_path / "a" / "b"))
    for trial_id in ("../../victim", "..", "x" * 300, "\0"):
        writer(events.TrialStarted(trial_id, "worker-0", VALUES))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert len(list((tmp_path / "a" / "b").iterdir())) == 4


def test_hparams_knows_space_values_and_outcome(tmp_path: Path) -> None:
    """The HParams tab would stay empty."""
    writer = begin(tmp_path)
    writer(events.TrialEnded("0", True, 0.25))
    found = runs(tmp_path)
    experiment = hparams(found, ".", metadata.EXPERIMENT_TAG)
    names = {info.name for info in experiment.hparam_infos}
    assert names == {"units", "rate", "activation"}
    assert experiment.metric_infos[0].name.tag == "score"
    session = hparams(found, "0", metadata.SESSION_START_INFO_TAG)
    assert session.hparams["units"].number_value == 8
    assert session.hparams["activation"].string_value == "relu"
    ended = hparams(found, "0", metadata.SESSION_END_INFO_TAG)
    assert ended.status == api_pb2.STATUS_SUCCESS
    assert curve(found, "0", "score") == [(0, 0.25)]


def test_a_rerun_is_part_of_its_trial(tmp_path: Path) -> None:
    """Among the trials that are compared, the luckiest re-run would be the best."""
    writer = tensorboard.TensorBoardWriter(str(tmp_path))
    begun = dataclasses.replace(BEGUN, reruns=3, rerun_scores={"0": (0.5, None)})
    writer(begun)
    writer(events.TrialStarted("0", "worker-0", VALUES))
    writer(events.TrialEnded("0", True, 0.125))
    writer(events.TrialStarted("10000", "worker-0", VALUES, "0"))
    writer(events.EpochEnded("10000", 0, 0, {"val_loss": 0.75}))
    writer(events.TrialEnded("10000", True, 0.75, confirms="0"))
    writer(events.TrialEnded("20000", False, None, "boom", "0"))
    found = runs(tmp_path)
    assert curve(found, "10000", "val_loss") == [(0, 0.75)]
    assert curve(found, "0", "confirmed") == [(2, 0.625)]
    assert curve(found, "0", "score") == [(0, 0.125)]
    with pytest.raises(KeyError):
        found.SummaryMetadata("10000", metadata.SESSION_START_INFO_TAG)
    told = hparams(found, ".", metadata.EXPERIMENT_TAG)
    assert [info.name.tag for info in told.metric_infos] == ["score", "confirmed"]


def test_failed_trial_is_shown_as_failed(tmp_path: Path) -> None:
    """A trial that raised would look as if it went on for ever."""
    writer = begin(tmp_path)
    writer(events.TrialEnded("0", False, None, "ValueError"))
    ended = hparams(runs(tmp_path), "0", metadata.SESSION_END_INFO_TAG)
    assert ended.status == api_pb2.STATUS_FAILURE


def test_repeated_trial_replaces_its_curve(tmp_path: Path) -> None:
    """After a crash a curve would run back and forth."""
    for values in ([0.9, 0.8], [0.7, 0.6]):
        writer = begin(tmp_path)
        for epoch, value in enumerate(values):
            writer(events.EpochEnded("0", 0, epoch, {"val_loss": value}))
        writer.close()
    assert curve(runs(tmp_path), "0", "val_loss") == [(0, 0.7), (1, 0.6)]


def open_files(directory: Path) -> int:
    """How many files below a directory this process has open."""
    opened = 0
    for one in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # The listing itself is closed again.
            path = os.readlink(f"/proc/self/fd/{one}")
            opened += path.startswith(str(directory))
    return opened


def test_trial_that_does_not_run_has_no_open_file(tmp_path: Path) -> None:
    """A search that pauses hundreds of trials would run out of files."""
    writer = begin(tmp_path)
    for number in range(20):
        writer(events.EpochEnded("0", 0, number, {"val_loss": 0.5}))
        writer(events.TrialPaused("0", number + 1))
        assert open_files(tmp_path) == 0
        writer(events.TrialStarted("0", "worker-0", VALUES))
        assert open_files(tmp_path) == 1
    writer(events.AttemptLost("0", "a worker killed by signal 9"))
    assert open_files(tmp_path) == 0
    # It goes on where it was.
    assert len(curve(runs(tmp_path), "0", "val_loss")) == 20


def test_every_training_has_a_curve_of_its_own(tmp_path: Path) -> None:
    """Executions of a trial would be drawn as one zigzag."""
    writer = begin(tmp_path)
    for fit in (0, 1):
        writer(events.EpochEnded("0", fit, 0, {"val_loss": fit / 2}))
    writer.close()
    found = runs(tmp_path)
    assert curve(found, "0", "val_loss") == [(0, 0.0)]
    assert curve(found, "0-training-1", "val_loss") == [(0, 0.5)]


def test_id_of_a_trial_cannot_leave_the_directory(tmp_path: Path) -> None:
    """An oracle's ids would decide over which files are written."""
    writer = tensorboard.TensorBoardWriter(str(tmp_path / "logs"))
    writer(events.TrialStarted("../../x", "worker-0", {}))
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


@pytest.mark.parametrize("value", [True, 3, 0.5, "text", None])
def test_any_value_is_written(tmp_path: Path, value: Any) -> None:
    """A space with such a value would be watched without TensorBoard."""
    writer = tensorboard.TensorBoardWriter(str(tmp_path))
    writer(events.TrialStarted("0", "worker-0", {"x": value}))
    session = hparams(runs(tmp_path), "0", metadata.SESSION_START_INFO_TAG)
    assert "x" in session.hparams


def test_tensorflow_is_not_needed(tmp_path: Path) -> None:
    """Watching a search on JAX or PyTorch would take TensorFlow."""
    code = (
        "from tuner_component.report import tensorboard\n"
        "from tuner_component.search import events\n"
        "writer = tensorboard.TensorBoardWriter(sys.argv[1])\n"
        "writer(events.SearchStarted('s', 'loss', 'min', 1))\n"
        "writer(events.TrialStarted('0', 'w', {'x': 1}))\n"
        "writer(events.EpochEnded('0', 0, 0, {'loss': 1.0}))\n"
        "writer.close()"
    )
    done = run_without(["tensorflow"], code, str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert curve(runs(tmp_path), "0", "loss") == [(0, 1.0)]
