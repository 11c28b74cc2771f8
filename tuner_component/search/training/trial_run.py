"""One run of a trial: seeds its models, and lets its trainings go on where they were.

Hooks are in the two calls that all ways to run a Keras trial have in common,
`hypermodel.build` and the `fit` of the model that it returns: KerasTuner's own
`run_trial` with several executions, overrides of it (folds of a cross-validation),
`HyperModel.fit` with one phase or several. Both are counted within the trial. A trial
that is run again makes the same calls in the same order, so the numbers identify them.
"""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

import keras

from tuner_component.search.epoch_state.object_state import MismatchError
from tuner_component.search.epochs import Decision, checked_epoch
from tuner_component.search.training import best_weights, seeding
from tuner_component.search.training.checkpoint import EpochCheckpoint, Training
from tuner_component.search.training.checkpoint_files import CheckpointFiles
from tuner_component.search.training.epoch_reports import EpochReporter, ReportEpoch
from tuner_component.search.training.gang import ALONE, Gang
from tuner_component.search.training.pausing import TrialPaused
from tuner_component.search.training.write_budget import WriteBudget

_LOG = logging.getLogger(__name__)

# fit(x, y, batch_size, epochs, verbose, callbacks, ...)
_POSITION_OF_CALLBACKS = 5


class TrialRun:
    """What happens inside one `run_trial`.

    Args:
        trial_id: The trial.
        checkpoints: The states of its trainings that an earlier attempt left.
        seed: Its seed.
        executions: How often KerasTuner trains it (`executions_per_trial`).
        budget: Decides when a state may be written.
        report: Called after every epoch; answers what becomes of the trial.
        gang: Which of the trial's processes this one is.
        may_pause: Answers whether the trial can be left where it trains.

    Attributes:
        result_suffices: Set while nothing but the result of a training is used, so
            that a finished one needs no weights to be skipped.
        trial_id: The trial.
        results: What KerasTuner's executions of it returned so far.
        stopped: Whether the answer to an epoch's report was to stop.
        left: The model whose training was saved and left, since the answer was to pause.
    """

    def __init__(
        self,
        trial_id: str,
        checkpoints: CheckpointFiles,
        seed: int,
        executions: int,
        budget: WriteBudget,
        report: ReportEpoch,
        gang: Gang = ALONE,
        may_pause: Callable[[], bool] = lambda: False,
    ) -> None:
        self.result_suffices = False
        self.results: list[Any] = []
        self.stopped = False
        self.left: Any = None
        self._may_pause = may_pause
        self.trial_id = trial_id
        self._gang = gang
        self._checkpoints = checkpoints
        self._trial_seed = seed
        self._executions = executions
        self._budget = budget
        self._report = report
        self._best = best_weights.BestWeights()
        self._builds = 0
        self._fits = 0
        self._is_fitting = False
        self._told: dict[int, int] = {}
        self._active = True
        budget.begin_trial()

    @property
    def active(self) -> bool:
        """Whether the trial is being run."""
        return self._active

    @property
    def paused(self) -> bool:
        """Whether it is to pause, and nothing of it may go on."""
        return self.left is not None

    def seed_next_build(self) -> None:
        """Seeds everything for the next model; a seed set while building wins."""
        self._require_unpaused()
        self.seed()
        self._builds += 1

    def seed(self) -> None:
        """Seeds everything, for a trial that builds no model through its hypermodel."""
        seeding.seed_everything(
            seeding.build_seed(self._trial_seed, self._checkpoints.run, self._builds)
        )

    def report_epoch(
        self, metrics: dict[str, float], epoch: int | None, training: int | None
    ) -> bool:
        """Reports an epoch of a loop that is not `fit`: see `epoch_reports.report_epoch`."""
        self._require_unpaused()
        number = max(self._builds - 1, 0) if training is None else training
        epoch = self._told.get(number, 0) if epoch is None else epoch
        number, epoch, metrics = checked_epoch(number, epoch, metrics)
        self._told[number] = epoch + 1
        decision = self._report(self.trial_id, number, epoch, metrics)
        stop = decision is Decision.STOP
        self.stopped = self.stopped or stop
        return stop

    def hook(self, model: Any) -> None:
        """Makes the model's trainings ones that can be interrupted."""
        if not isinstance(model, keras.Model):
            return
        # If `build` returns the same model again, its hook is replaced.
        fit = getattr(model.fit, "hooked", model.fit)

        @functools.wraps(fit)
        def fit_and_go_on(*args: Any, **kwargs: Any) -> Any:
            # A `fit` of the model's own may call itself: that is a part of it.
            if self._is_fitting or not self._active:
                return fit(*args, **kwargs)
            return self._fit(model, fit, args, kwargs)

        fit_and_go_on.hooked = fit  # type: ignore[attr-defined]
        # Past the model's own bookkeeping of attributes: this is none of its layers.
        object.__setattr__(model, "fit", fit_and_go_on)

    def end(self) -> None:
        """Lets go of the models; their saved trainings stay until the trial has ended.

        The models may live on with the user: from now on their `fit` is Keras' own.
        """
        self._active = False

    def failed(self) -> None:
        """The run failed by itself; say so before the oracle hears of it.

        From then on the trial may start over elsewhere at any moment, and it must find
        another seed and nothing to go on from.
        """
        self._best.close()
        self._checkpoints.clear_for_next_run()

    def ended(self) -> None:
        """The trial's end is durable: its saved trainings are not needed any more."""
        self._best.close()
        self._checkpoints.clear()

    def _fit(
        self,
        model: Any,
        fit: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        self._require_unpaused()
        self._gang.require_shared_fit()
        number = self._fits
        self._fits += 1
        taken = _without_callbacks(fit, args, kwargs)
        if taken is None:
            return fit(*args, **kwargs)
        fit_with, callbacks = taken
        draws = _are_drawn(_data(args, kwargs))
        training = self._training(number, model, callbacks, draws)
        state = self._checkpoints.take(number)
        if state is not None and "why" in state:  # It could not be saved.
            training.give_up(state["why"])
            state = None
        if state is not None and state["epoch"] is None:  # It was trained to its end.
            if self._skip(training, state):
                return training.history
            state = None
        if state is not None and (why := _begin_anew(args, kwargs)):
            _LOG.warning(
                "Trial %s: training %d goes on, and its data begin anew: %s.",
                *(self.trial_id, number, why),
            )
        # The order counts. The reporter sees the metrics that the user's callbacks add;
        # the checkpoint comes last: see there. Keras adds a history of its own unless it
        # is given one, but behind the checkpoint, which would lack the last epoch.
        checkpoint = EpochCheckpoint(training, state)
        added = [training.history, training.reporter, checkpoint]
        self._is_fitting = True
        try:
            with self._budget.training():
                result = fit_with(callbacks=[*training.callbacks, *added])
        except TrialPaused:
            self.left = model  # Whatever becomes of the exception on its way out.
            raise
        finally:
            self._is_fitting = False
        self.stopped = self.stopped or training.reporter.stopped
        self._finish(training, result)
        return result

    def _require_unpaused(self) -> None:
        """Leaves the trial once more, if something has taken the exception and goes on.

        Raises:
            TrialPaused: If it has.
        """
        if self.paused:
            raise TrialPaused

    def _training(
        self, number: int, model: Any, callbacks: list[Any], draws: bool
    ) -> Training:
        # A later training was under way: the file of the best weights is ahead of this
        # one, which is only gone through again because its end was not saved.
        self._best.paused = repeats = number < self._checkpoints.latest
        self._best.guard(best_weights.find_saver(callbacks))
        given = [c for c in callbacks if isinstance(c, keras.callbacks.History)]
        history = given[0] if given else keras.callbacks.History()
        training = Training(
            self.trial_id,
            number,
            model,
            [c for c in callbacks if c is not history],
            history,
            EpochReporter(self.trial_id, number, self._report, repeats),
            self._checkpoints,
            self._best,
            self._budget,
            adds_up=bool(given),
        )
        # Data from a generator would begin anew.
        training.reporter.can_pause = lambda: (
            not draws and training.can_pause and self._may_pause()
        )
        return training

    def _skip(self, training: Training, state: dict[str, Any]) -> bool:
        """Puts back a finished training; returns whether that was possible."""
        if "model" not in state and not self.result_suffices:
            return False  # Only its result was kept, and this caller uses the weights.
        try:
            training.restore(state)
        except MismatchError as error:
            training.give_up(error)
            return False
        # As `fit` leaves them.
        training.history.set_model(training.model)
        training.model.history = training.history
        self.stopped = self.stopped or training.reporter.stopped
        return True

    def _finish(self, training: Training, result: Any) -> None:
        """Keeps what another run of the trial needs to skip this training."""
        if not isinstance(result, keras.callbacks.History):
            return
        if self.result_suffices:
            # After the last one there is nothing left to lose but milliseconds.
            if training.number + 1 < self._executions:
                training.write_result()
        elif training.may_write(at_end=True):
            training.write(None)


def _data(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return args[0] if args else kwargs.get("x")


def _are_drawn(data: Any) -> bool:
    """Whether data come from a generator: what was drawn of it does not come again."""
    return hasattr(data, "__next__")


def _begin_anew(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
    """Why a later epoch has other data if it is the first in its process; None if not."""
    data = _data(args, kwargs)
    if _are_drawn(data):
        return "they are from a generator"
    if kwargs.get("steps_per_epoch"):
        return "with steps_per_epoch, an epoch begins where the one before has ended"
    if isinstance(data, keras.utils.PyDataset):
        for name in ("on_epoch_begin", "on_epoch_end"):
            own, base = type(data), keras.utils.PyDataset
            if getattr(own, name, None) is not getattr(base, name, None):
                return f"{own.__name__}.{name} may change them"
    return None


def _without_callbacks(
    fit: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], list[Any]] | None:
    """Takes the callbacks out of a call of `fit`.

    Returns:
        The call, which waits for `callbacks=`, and those that it had. None if they cannot
        be told, or others cannot be passed: then `fit` has to be called as it was.
    """
    if len(args) > _POSITION_OF_CALLBACKS + 1:
        return None  # What follows them has to be passed by position, too.
    if len(args) > _POSITION_OF_CALLBACKS:
        if "callbacks" in kwargs:
            return None  # An error of the caller's: Python says what it is.
        args, given = args[:_POSITION_OF_CALLBACKS], args[_POSITION_OF_CALLBACKS]
    else:
        kwargs = dict(kwargs)
        given = kwargs.pop("callbacks", None)
    if isinstance(given, keras.callbacks.CallbackList) or not _takes_callbacks(fit):
        return None
    callbacks = [c for c in keras.tree.flatten(given) if c is not None]
    return functools.partial(fit, *args, **kwargs), callbacks


def _takes_callbacks(fit: Callable[..., Any]) -> bool:
    parameters = inspect.signature(fit).parameters
    return "callbacks" in parameters or any(
        p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()
    )
