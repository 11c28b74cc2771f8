"""The one place that hooks into a user's tuner: seeds, checkpoints, epochs, state.

Used in process and in workers alike. Methods of the one tuner and its hypermodel are
wrapped; their classes, and every other tuner, are left alone. A tuner that does not
train Keras models through its hypermodel is seeded, and otherwise runs as it would.
"""

import dataclasses
import json
import logging
import math
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner
from keras_tuner.src import utils as keras_utils
from keras_tuner.src.engine import tuner_utils

from tuner_component.search.epochs import Decision
from tuner_component.search.errors import StorageError
from tuner_component.search.machine import disk_space, memory
from tuner_component.search.storage import files, names
from tuner_component.search.training import (
    checkpoint_files,
    epoch_reports,
    scratch,
    seeding,
)
from tuner_component.search.training.checkpoint_files import CheckpointFiles
from tuner_component.search.training.epoch_reports import ReportEpoch
from tuner_component.search.training.gang import ALONE, Gang
from tuner_component.search.training.pausing import TrialPaused, UndecidedError
from tuner_component.search.training.trial_run import TrialRun
from tuner_component.search.training.weights_cleaner import WeightsCleaner
from tuner_component.search.training.write_budget import WriteBudget

_LOG = logging.getLogger(__name__)


def instrument(
    tuner: base_tuner.BaseTuner,
    study_directory: str,
    study_seed: int,
    *,
    note: Callable[..., None] | None = None,
    report_epoch: ReportEpoch | None = None,
    cleaner: WeightsCleaner | None = None,
    budget: WriteBudget | None = None,
    is_ending: Callable[[], bool] = lambda: False,
    gang: Gang = ALONE,
    pause: Callable[[str], Any] | None = None,
) -> None:
    """Makes the tuner's trials repeatable, and able to go on after an interruption.

    Args:
        tuner: The user's tuner, before `search` is called.
        study_directory: Path or URI of the study; the trainings of a trial are kept
            under it until the trial has ended.
        study_seed: The study's seed; `seeding.trial_seed` of it is a trial's seed.
        note: Called as `note(trial_id, seed=...)` when a trial starts, to have the seed
            recorded; None if another process records it.
        report_epoch: Called as `report_epoch(trial_id, fit, epoch, metrics)` after every
            epoch of a Keras model, and of a loop that calls `report_epoch`; answers what
            becomes of the trial: see `epoch_reports`. None if no one wants to know.
        cleaner: Deletes superfluous weights as trials end; None if another process does
            (it takes the real oracle to know which).
        budget: Decides when the state of a training may be written; by default at a
            rate that costs at most 5 % of the training time.
        is_ending: Whether this process will soon be ended: then, with the budget that is
            the default, the state is written after each epoch.
        gang: Which of the processes of a trial this one is.
        pause: Called with a trial whose epoch was answered so, once its training is saved
            and left. None if trials cannot pause: then a pause is a stop.
    """
    _Instrument(
        tuner,
        study_directory,
        study_seed,
        note,
        report_epoch or _go_on,
        cleaner,
        budget or gang.budget() or WriteBudget(is_ending=is_ending),
        gang,
        pause if gang.size == 1 else None,
    ).attach()


def keep_state(tuner: base_tuner.BaseTuner, path: str) -> None:
    """Makes a tuner save its state in a file of the study, and restores it from there.

    If it stood where KerasTuner puts that file, the constructor of the next tuner would
    find it, and look beside it for the oracle's state, which is in the journal.

    Args:
        tuner: Fresh from its constructor.
        path: File in the study's directory; read if it is there.
    """

    def name() -> str:
        files.require_place(path)  # KerasTuner writes by name.
        return path

    tuner._get_tuner_fname = name
    try:
        state = json.loads(files.read_bytes(path))
    except FileNotFoundError:
        return
    except (StorageError, ValueError) as error:
        _LOG.warning("Starting without the tuner's own state: %s: %s", path, error)
        return
    tuner.set_state(state)


def _go_on(*epoch: Any, **how: bool) -> Decision:
    """The answer to an epoch where no one wants to know of epochs."""
    return Decision.GO_ON


class _StoppedError(Exception):
    """A trial was stopped: KerasTuner's loop over its executions ends."""


@dataclasses.dataclass
class _Instrument:
    """The hooks in one tuner, and the trial that it runs. See `instrument`."""

    tuner: Any
    study_directory: str
    study_seed: int
    note: Callable[..., None] | None
    report_epoch: ReportEpoch
    cleaner: WeightsCleaner | None
    budget: WriteBudget
    gang: Gang
    pause: Callable[[str], Any] | None
    can_leave: bool = False  # While KerasTuner's own code waits for the trial's end.
    run: TrialRun | None = None  # Until the trial's end is durable.

    @property
    def active_run(self) -> TrialRun | None:
        """The run of a trial that is going on; None for what is built between trials."""
        return self.run if self.run is not None and self.run.active else None

    def attach(self) -> None:
        """Hooks into the tuner."""
        tuner = self.tuner
        self._wrap_get_trial_dir(tuner)
        self._wrap_run_trial(tuner)
        self._wrap_try_run(tuner)
        self._wrap_on_trial_end(tuner)
        if tuner.hypermodel is None:
            return
        self._wrap_build(tuner.hypermodel)
        if isinstance(tuner, keras_tuner.Tuner):
            self._wrap_build_and_fit(tuner)

    def _wrap_get_trial_dir(self, tuner: Any) -> None:
        """Keeps a trial's weights in a directory of the project, whatever its id is.

        Of the processes of one trial, only one keeps them there. The others may have to
        read what is there of other trials.
        """
        get_trial_dir = tuner.get_trial_dir
        own = "" if self.gang.leads else scratch.new(self.study_directory)

        def get_quoted_dir(trial_id: str, *args: Any, **kwargs: Any) -> Any:
            name = names.component(trial_id)
            if own and self.run is not None and trial_id == self.run.trial_id:
                files.makedirs(path := files.join(own, name))
                return path
            return get_trial_dir(name, *args, **kwargs)

        tuner.get_trial_dir = get_quoted_dir

    def _wrap_run_trial(self, tuner: Any) -> None:
        run_trial = tuner.run_trial

        def run_interruptible(trial: Any, *args: Any, **kwargs: Any) -> Any:
            self.run = run = self._begin(trial.trial_id)
            needs_space = disk_space.needed(
                f"trial {trial.trial_id}", self.study_directory
            )
            try:
                with epoch_reports.sent_to(run.report_epoch), needs_space:
                    results = run_trial(trial, *args, **kwargs)
            except _StoppedError:
                results = run.results
            except (disk_space.DiskFullError, UndecidedError):
                raise  # It goes on from where it was, once that is mended.
            except Exception as error:
                # KerasTuner makes text of it; a worker's oracle tells the driver this.
                trial.ran_out_of_memory = memory.ran_out(error)
                # The training starts anew before KerasTuner sees the error, and the oracle
                # hands the trial out again. After a lack of memory, it goes on instead.
                if not (trial.ran_out_of_memory or run.paused):
                    run.failed()
                if not run.paused:
                    raise
            finally:
                run.end()
            if run.paused:  # The user's code has taken the exception for a failure.
                raise TrialPaused
            # KerasTuner takes NaN for a failure of the run, and may retry it.
            if not _is_finite(results, tuner.oracle.objective):
                run.failed()
            return results

        tuner.run_trial = run_interruptible

    def _wrap_try_run(self, tuner: Any) -> None:
        """Lets a trial be left that pauses, so that the next one is asked for."""
        try_run = tuner._try_run_and_update_trial

        def try_run_or_pause(trial: Any, *args: Any, **kwargs: Any) -> None:
            self.can_leave = self.pause is not None
            try:
                try_run(trial, *args, **kwargs)
            except TrialPaused:
                if self.run is None or self.pause is None or not self.run.paused:
                    raise  # A trial may run a search itself.
                _keep_build_config(tuner, trial.trial_id, self.run.left)
                self.pause(trial.trial_id)
            finally:
                self.can_leave = False

        tuner._try_run_and_update_trial = try_run_or_pause

    def _wrap_on_trial_end(self, tuner: Any) -> None:
        on_trial_end = tuner.on_trial_end

        def on_durable_end(trial: Any) -> None:
            if self.run is not None and self.run.paused:
                self.run = None
                return
            # First of all the end is made durable: if the process dies before, the next
            # attempt still needs what is kept.
            on_trial_end(trial)
            run, self.run = self.run, None
            # With another status the trial is run again, by another worker perhaps and
            # already now.
            if run is not None and trial.status in ("COMPLETED", "FAILED"):
                run.ended()
            if self.cleaner is not None:
                self.cleaner.trial_ended(trial.trial_id)

        tuner.on_trial_end = on_durable_end

    def _wrap_build_and_fit(self, tuner: Any) -> None:
        """Leaves executions out after a stop, and says if only their result is used."""
        build_and_fit = tuner._build_and_fit_model
        executes = type(tuner).run_trial is keras_tuner.Tuner.run_trial
        gives_result = _is_stock(tuner)

        def build_and_fit_model(trial: Any, *args: Any, **kwargs: Any) -> Any:
            run = self.active_run
            if run is None:
                return build_and_fit(trial, *args, **kwargs)
            if run.stopped and executes:
                # The stop was an answer for the whole trial. There is no other way out
                # of the loop in KerasTuner's `run_trial`.
                raise _StoppedError
            run.result_suffices = gives_result
            try:
                run.results.append(build_and_fit(trial, *args, **kwargs))
            finally:
                run.result_suffices = False
            return run.results[-1]

        tuner._build_and_fit_model = build_and_fit_model

    def _wrap_build(self, hypermodel: Any) -> None:
        build = hypermodel.build

        def build_seeded(hp: Any, *args: Any, **kwargs: Any) -> Any:
            run = self.active_run
            if run is None:
                return build(hp, *args, **kwargs)
            run.seed_next_build()
            model = build(hp, *args, **kwargs)
            run.hook(model)
            return model

        # Past what a class of the user's makes of new attributes: it may be frozen.
        object.__setattr__(hypermodel, "build", build_seeded)

    def _begin(self, trial_id: str) -> TrialRun:
        seed = seeding.trial_seed(self.study_seed, trial_id)
        if self.note is not None:
            self.note(trial_id, seed=seed)
        directory = checkpoint_files.directory_of(self.study_directory, trial_id)
        executions = getattr(self.tuner, "executions_per_trial", 1)
        run = TrialRun(
            trial_id,
            CheckpointFiles(directory, read_only=not self.gang.leads),
            seed,
            executions,
            self.budget,
            self.report_epoch,
            self.gang,
            lambda: self.can_leave,
        )
        run.seed()
        return run


def _keep_build_config(tuner: Any, trial_id: str, model: Any) -> None:
    """Writes what `load_model` reads, as KerasTuner does once a model is trained.

    If the trial is not gone on with, its best epoch may be one of the best of all.
    """
    if not isinstance(tuner, keras_tuner.Tuner):
        return
    path = tuner._get_build_config_fname(trial_id)
    try:
        files.require_place(path)  # KerasTuner writes by name.
        keras_utils.save_json(path, model.get_build_config())
    except Exception as error:  # noqa: BLE001 - whatever the user's model raises
        _LOG.warning("Trial %s: %s cannot be written. %r", trial_id, path, error)


def _is_stock(tuner: Any) -> bool:
    """Whether KerasTuner builds and fits the model, and only fits it."""
    return (
        type(tuner)._build_and_fit_model is keras_tuner.Tuner._build_and_fit_model
        and type(tuner.hypermodel).fit is keras_tuner.HyperModel.fit
    )


def _is_finite(results: Any, objective: Any) -> bool:
    """Whether the oracle will take the results for those of a completed trial."""
    try:
        metrics = tuner_utils.convert_to_metrics_dict(results, objective)
        return math.isfinite(objective.get_value(metrics))
    except (AttributeError, KeyError, TypeError):
        return True  # KerasTuner says what is wrong with them.
