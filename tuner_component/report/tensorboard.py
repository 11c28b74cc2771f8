"""TensorBoard's view of a search, written while it runs.

Every trial is a run with its hyperparameters and the metrics after each epoch; the
HParams plugin finds them by the experiment that is described beside them. TensorBoard's
own messages and record format are used, TensorFlow is not.
"""

import contextlib
import logging
import math
import os
import socket
import time
from collections.abc import Iterator, Mapping
from typing import IO, Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2
from tensorboard.summary.writer.record_writer import RecordWriter

from tuner_component.search import events
from tuner_component.search.storage import files, names
from tuner_component.search.study import confirmation

DIRECTORY = "tensorboard"
# What HParams compares trials by: the objective at the best epoch. The objective's own
# curve ends with its value at the last one.
SCORE = "score"
# The mean of the re-runs of a trial so far, if it is one of the best.
CONFIRMED = "confirmed"

_log = logging.getLogger("tuner_component")

# Seconds between flushes: so much later an epoch may be seen.
_FLUSH_S = 2.0


@contextlib.contextmanager
def writing(study_directory: str) -> Iterator["TensorBoardWriter"]:
    """An observer that writes into the study's directory `tensorboard`.

    Args:
        study_directory: Path or URI.
    """
    writer = TensorBoardWriter(files.join(study_directory, DIRECTORY))
    try:
        yield writer
    finally:
        try:
            writer.close()
        except Exception:  # noqa: BLE001
            _log.warning("What TensorBoard shows is not complete:", exc_info=True)


class TensorBoardWriter:
    """An observer that writes what `tensorboard --logdir` shows.

    Args:
        directory: Path or URI; created if needed.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._search: events.SearchStarted | None = None
        self._runs: dict[str, dict[int, _Run]] = {}
        self._confirmed: dict[str, list[float]] = {}

    def __call__(self, event: events.Event) -> None:
        """Writes an event."""
        if isinstance(event, events.SearchStarted):
            self._search = event
            for trial_id, scores in event.rerun_scores.items():
                self._confirmed[trial_id] = [s for s in scores if s is not None]
            with contextlib.closing(_Run(self._directory)) as root:
                root.write(_experiment(event))
        elif isinstance(event, events.TrialStarted):
            self._close(event.trial_id)
            if event.confirms is not None:
                return  # Among the trials that are compared, it would be another one.
            run = self._run(event.trial_id, 0)
            run.write(summary_v2.hparams_pb(_plain(event.values), event.trial_id))
        elif isinstance(event, (events.TrialPaused, events.AttemptLost)):
            self._close(event.trial_id)  # Hundreds may be paused, each with a file.
        elif isinstance(event, events.EpochEnded):
            run = self._run(event.trial_id, event.fit)
            run.epoch(event.epoch, event.metrics)
        elif isinstance(event, events.TrialEnded) and event.confirms is not None:
            self._close(event.trial_id)
            self._confirm(event.confirms, event.score)
        elif isinstance(event, events.TrialEnded):
            self._end(event)

    def close(self) -> None:
        """Closes all files."""
        for trial_id in list(self._runs):
            self._close(trial_id)

    def _end(self, event: events.TrialEnded) -> None:
        run = self._run(event.trial_id, 0)
        if event.score is not None:
            run.scalars(0, {SCORE: event.score})
        run.write(_session_end(event.completed))
        self._close(event.trial_id)

    def _confirm(self, trial_id: str, score: float | None) -> None:
        """Adds the score of a re-run to what is shown of the trial."""
        if score is None:
            return
        scores = self._confirmed.setdefault(trial_id, [])
        scores.append(score)
        told = {CONFIRMED: confirmation.mean(scores)}
        self._run(trial_id, 0).scalars(len(scores), told)
        self._close(trial_id)

    def _run(self, trial_id: str, fit: int) -> "_Run":
        """The run of a training: of the first one, it is that of the trial."""
        runs = self._runs.setdefault(trial_id, {})
        if fit not in runs:
            # Ids are KerasTuner's numbers, but an oracle of the user's may choose others.
            name = names.component(trial_id)
            name = name if fit == 0 else f"{name}-training-{fit}"
            runs[fit] = _Run(files.join(self._directory, name))
        return runs[fit]

    def _close(self, trial_id: str) -> None:
        for run in self._runs.pop(trial_id, {}).values():
            run.close()


class _Run:
    """A directory with a file of events."""

    def __init__(self, directory: str) -> None:
        files.makedirs(directory)
        # TensorBoard looks for this name; a later file of the same run continues it.
        name = f"events.out.tfevents.{time.time_ns():020}.{socket.gethostname()}"
        self._file = _open(files.join(directory, f"{name}.{os.getpid()}"))
        self._records = RecordWriter(self._file)
        self._flushed = 0.0
        self._started = False
        self._write(event_pb2.Event(file_version="brain.Event:2"))

    def write(self, summary: Any) -> None:
        """Writes a summary that belongs to no epoch."""
        self._write(event_pb2.Event(summary=summary))
        self._records.flush()

    def epoch(self, number: int, metrics: Mapping[str, float]) -> None:
        """Writes the metrics after an epoch."""
        if not self._started:
            # TensorBoard then drops what another attempt wrote of this epoch and later.
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._write(event_pb2.Event(step=number, session_log=start))
            self._started = True
        self.scalars(number, metrics)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes numbers."""
        summary = summary_pb2.Summary()
        for name, value in values.items():
            summary.value.add(tag=name, simple_value=value)
        self._write(event_pb2.Event(step=step, summary=summary))
        self._flush()

    def close(self) -> None:
        """Writes the rest."""
        self._records.close()

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())

    def _flush(self) -> None:
        now = time.monotonic()
        if now - self._flushed >= _FLUSH_S:
            self._records.flush()
            self._flushed = now


def _open(path: str) -> IO[bytes]:
    if not files.is_remote(path):
        return open(files.local_path(path), "wb")
    import tensorflow as tf  # Nothing else writes to a bucket bit by bit.

    return tf.io.gfile.GFile(path, "wb")  # type: ignore[no-any-return]


def _experiment(search: events.SearchStarted) -> Any:
    """Describes the hyperparameters and the metric to the HParams plugin."""
    hparams = [
        summary_v2.HParam(entry["config"]["name"], _domain(entry["config"]))
        for entry in {e["config"]["name"]: e for e in search.space}.values()
    ]
    metrics = [summary_v2.Metric(SCORE, display_name=search.objective)]
    if search.reruns:
        metrics.append(summary_v2.Metric(CONFIRMED, display_name="mean of re-runs"))
    return summary_v2.hparams_config_pb(hparams, metrics)


def _session_end(completed: bool) -> Any:
    """The end of a trial, as TensorBoard's own function makes it with TensorFlow."""
    status = api_pb2.STATUS_SUCCESS if completed else api_pb2.STATUS_FAILURE
    content = plugin_data_pb2.HParamsPluginData(
        session_end_info=plugin_data_pb2.SessionEndInfo(
            status=status, end_time_secs=time.time()
        )
    )
    summary = summary_pb2.Summary()
    summary.value.add(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(content),
        tensor=metadata.NULL_TENSOR,
    )
    return summary


def _domain(config: Mapping[str, Any]) -> Any:
    """The values that a hyperparameter may have; None if TensorBoard cannot say them."""
    if values := config.get("values"):
        kinds = {type(value) for value in values}
        return summary_v2.Discrete(list(values)) if len(kinds) == 1 else None
    low, high = config.get("min_value"), config.get("max_value")
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        return summary_v2.RealInterval(float(low), float(high))
    return None


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as TensorBoard takes them."""
    return {
        name: value if isinstance(value, (bool, int, float)) else str(value)
        for name, value in values.items()
        if not (isinstance(value, float) and math.isnan(value))
    }
