"""The one place that hooks seeding and checkpoints into a user's tuner.

Used in process and in workers alike. Methods of the one tuner and its hypermodel are
wrapped; their classes, and every other tuner, are left alone. A tuner that does not
train Keras models through its hypermodel is seeded, and otherwise runs as it would.
"""

import math
from collections.abc import Callable
from typing import Any

import keras_tuner
from keras_tuner.engine import base_tuner
from keras_tuner.src.engine import tuner_utils

from tuner_component.search.machine import disk_space, memory
from tuner_component.search.training import checkpoint_files, reporting, seeding
from tuner_component.search.training.checkpoint_files import FitRecords
from tuner_component.search.training.epoch_reporter import ReportEpoch
from tuner_component.search.training.trial_run import TrialRun
from tuner_component.search.training.weights_cleaner import CheckpointCleaner
from tuner_component.search.training.write_budget import WriteBudget


def instrument(
    tuner: base_tuner.BaseTuner,
    study_directory: str,
    study_seed: int,
    *,
    report: Callable[..., None] | None = None,
    report_epoch: ReportEpoch | None = None,
    cleaner: CheckpointCleaner | None = None,
    budget: WriteBudget | None = None,
) -> None:
    """Makes the tuner's trials repeatable, and able to go on after an interruption.

    Args:
        tuner: The user's tuner, before `search` is called.
        study_directory: Path or URI of the study; the trainings of a trial are kept
            under it until the trial has ended.
        study_seed: The study's seed; `seeding.trial_seed` of it is a trial's seed.
        report: Called as `report(trial_id, seed=...)` when a trial begins, to have the
            seed recorded; None where somebody else records it.
        report_epoch: Called as `report_epoch(trial_id, fit, epoch, metrics)` after every
            epoch of a Keras model; see `EpochBook`. None where nobody wants to know.
        cleaner: Deletes superfluous weights as trials end; None where another process
            does, since it takes the real oracle to know which.
        budget: Decides when the state of a training may be written; by default at a
            rate that costs at most 5 % of the training time.
    """
    _Instrument(
        tuner,
        study_directory,
        study_seed,
        report,
        report_epoch or _nobody_listens,
        cleaner,
        budget or WriteBudget(),
    ).attach()


def _nobody_listens(*epoch: Any) -> bool:
    """Where reports of epochs would go."""
    return False


class _StoppedError(Exception):
    """A trial was stopped: KerasTuner's loop over its executions ends."""


class _Instrument:
    def __init__(
        self,
        tuner: Any,
        study_directory: str,
        study_seed: int,
        report: Callable[..., None] | None,
        report_epoch: ReportEpoch,
        cleaner: CheckpointCleaner | None,
        budget: WriteBudget,
    ) -> None:
        self._tuner = tuner
        self._study_directory = study_directory
        self._study_seed = study_seed
        self._report = report
        self._report_epoch = report_epoch
        self._cleaner = cleaner
        self._budget = budget
        self._run: TrialRun | None = None

    def attach(self) -> None:
        tuner = self._tuner
        self._wrap_run_trial(tuner)
        self._wrap_on_trial_end(tuner)
        if tuner.hypermodel is None:
            return
        self._wrap_build(tuner.hypermodel)
        if isinstance(tuner, keras_tuner.Tuner):
            self._wrap_build_and_fit(tuner)

    def _wrap_run_trial(self, tuner: Any) -> None:
        run_trial = tuner.run_trial

        def run_interruptible(trial: Any, *args: Any, **kwargs: Any) -> Any:
            self._run = run = self._begin(trial.trial_id)
            needs_space = disk_space.needed(
                f"trial {trial.trial_id}", self._study_directory
            )
            try:
                with reporting.running(run), needs_space:
                    results = run_trial(trial, *args, **kwargs)
            except _StoppedError:
                results = run.results
            except disk_space.DiskFullError:
                raise  # It goes on from where it was, once there is space.
            except Exception as error:
                # KerasTuner makes text of it; a worker's oracle tells the driver this.
                trial.ran_out_of_memory = memory.ran_out(error)
                # Without memory, the next attempt goes on from where this one was.
                if not trial.ran_out_of_memory:
                    run.failed()
                raise
            finally:
                run.end()
            if not _is_finite(results, tuner.oracle.objective):
                run.failed()
            return results

        tuner.run_trial = run_interruptible

    def _wrap_on_trial_end(self, tuner: Any) -> None:
        on_trial_end = tuner.on_trial_end

        def on_durable_end(trial: Any) -> None:
            on_trial_end(trial)
            run, self._run = self._run, None
            # Otherwise the trial is run again, elsewhere perhaps and already now.
            if run is not None and trial.status in ("COMPLETED", "FAILED"):
                run.ended()
            if self._cleaner is not None:
                self._cleaner.trial_ended(trial.trial_id)

        tuner.on_trial_end = on_durable_end

    def _wrap_build_and_fit(self, tuner: Any) -> None:
        """Leaves executions out after a stop, and marks those that give but a result."""
        build_and_fit = tuner._build_and_fit_model
        executes = type(tuner).run_trial is keras_tuner.Tuner.run_trial
        gives_result = _is_stock(tuner)

        def build_and_fit_model(trial: Any, *args: Any, **kwargs: Any) -> Any:
            run = self._run
            if run is None or not run.active:
                return build_and_fit(trial, *args, **kwargs)
            if run.stopped and executes:
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
            run = self._run
            if run is None or not run.active:
                return build(hp, *args, **kwargs)
            run.seed_next_build()
            model = build(hp, *args, **kwargs)
            run.hook(model)
            return model

        hypermodel.build = build_seeded

    def _begin(self, trial_id: str) -> TrialRun:
        seed = seeding.trial_seed(self._study_seed, trial_id)
        if self._report is not None:
            self._report(trial_id, seed=seed)
        directory = checkpoint_files.directory_of(self._study_directory, trial_id)
        executions = getattr(self._tuner, "executions_per_trial", 1)
        run = TrialRun(
            trial_id,
            FitRecords(directory),
            seed,
            executions,
            self._budget,
            self._report_epoch,
        )
        run.seed()
        return run


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
