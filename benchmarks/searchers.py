"""The searches to compare: KerasTuner's, plain Optuna, Ray Tune, and ours."""

import functools
import importlib
import itertools
import os
import tempfile
from collections.abc import Callable
from typing import Any

import keras_tuner
import optuna
from keras_tuner import oracles

from benchmarks.curve_tasks import EPOCHS, LARGE, Space
from benchmarks.replay import Task, Trial
from tuner_component.oracles import OptunaOracle
from tuner_component.planner import Continue, Decision, Planner, Start
from tuner_component.planner.convergence import Convergence
from tuner_component.search.kerastuner.repairs import repair
from tuner_component.search.options import StoppingOptions
from tuner_component.search.space.dimensions import dimensions
from tuner_component.search.stopping import curve_hearing
from tuner_component.search.stopping.rule import StoppingRule

# KerasTuner's searches with one worker, as the stock Tuner runs them, and with as many
# workers as all others.
AUTO = "auto"
STOCK, KERAS_TUNER = "stock", "kerastuner"

OBJECTIVE = keras_tuner.Objective("val_loss", "min")


def hyperparameters(task: Task) -> keras_tuner.HyperParameters:
    """The space of a task, as a user of KerasTuner would write it."""
    hp = keras_tuner.HyperParameters()
    if set(task.space) == set(LARGE):
        _of_networks(hp, task.space)
        return hp
    for name, values in task.space.items():
        parent, allowed = task.conditions.get(name, (None, []))
        if parent is None:
            _add(hp, name, values)
            continue
        with hp.conditional_scope(parent, allowed):
            _add(hp, name, values)
    return hp


def _add(hp: keras_tuner.HyperParameters, name: str, values: list[Any]) -> None:
    if isinstance(values[0], str):
        hp.Choice(name, values)
    else:
        hp.Int(name, values[0], values[-1])


def _of_networks(hp: keras_tuner.HyperParameters, space: Space) -> None:
    for name in ("learning_rate", "l2"):
        first, *others = space[name]
        if others:
            step = others[0] / first
            hp.Float(name, first, others[-1], step=step, sampling="log")
        else:
            hp.Fixed(name, first)
    hp.Int("width", 8, 64, step=2, sampling="log")
    hp.Int("depth", 1, 3)
    first, *others = space["batch_size"]
    if others:
        step = others[0] // first
        hp.Int("batch_size", first, others[-1], step=step, sampling="log")
    else:
        hp.Fixed("batch_size", first)
    hp.Choice("activation", space["activation"])


class Places:
    """Where the values of a trial are in the table of a task."""

    def __init__(self, task: Task, space: Any) -> None:
        """Looks at a search space of KerasTuner's."""
        self._names = list(task.space)
        self._dimensions = {one.name: one for one in dimensions(space)}

    def of(self, values: Any) -> tuple[int, ...]:
        """The place of values; 0 for what is inactive."""
        return tuple(self._place(name, values) for name in self._names)

    def _place(self, name: str, values: Any) -> int:
        dimension = self._dimensions[name]
        if name not in values or not dimension.is_active(values):
            return 0
        number = dimension.number(values[name])
        if number is None:
            raise ValueError(f"Expected a value of {name}. Received: {values[name]!r}.")
        return int(number)


class OfKerasTuner:
    """A search of KerasTuner's, or an oracle of ours with a stopping rule."""

    def __init__(
        self,
        oracle: Any,
        task: Task,
        stopping: StoppingOptions | None = None,
        looks_ahead: bool = False,
    ) -> None:
        self._oracle = oracle
        self._places = Places(task, oracle.hyperparameters.space)
        self._counter = itertools.count()
        self._curves: dict[Any, list[float]] = {}
        oracle._set_project_dir(tempfile.mkdtemp(), "search")
        self.looks_ahead = looks_ahead
        oracle.verbose = 0
        self._rule = None if stopping is None else StoppingRule(stopping, oracle)

    def begin(self) -> Trial | None:
        """See `replay.Searcher`."""
        tuner_id = f"tuner{next(self._counter)}"
        trial = self._oracle.create_trial(tuner_id)
        if trial.status != "RUNNING":
            return None
        values = trial.hyperparameters.values
        if self._rule is not None:
            self._rule.begin(trial.trial_id)
        return Trial(
            trial.trial_id,
            self._places.of(values),
            values.get("tuner/initial_epoch", 0),
            values.get("tuner/epochs", EPOCHS),
        )

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """See `replay.Searcher`."""
        self._curves.setdefault(trial.trial_id, []).append(loss)
        if self._rule is None:
            return False
        return self._rule.should_stop(trial.trial_id, 0, epoch, {"val_loss": loss})

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """See `replay.Searcher`."""
        self._oracle.update_trial(trial.trial_id, {"val_loss": best})
        known = self._oracle.trials[trial.trial_id]
        known.status = "COMPLETED"
        self._oracle.end_trial(known)
        curve = self._curves.pop(trial.trial_id, [])
        ended: dict[str, Any] = {"curves": [{"val_loss": curve}]}
        if self._rule is not None:
            self._rule.end(trial.trial_id, "COMPLETED", stopped)
            if stopped:
                ended["stopped"] = {"rule": self._rule.name, "epoch": len(curve) - 1}
        curve_hearing.tell(self._oracle, trial.trial_id, ended)


class Auto:
    """The search "auto": pauses trials at rungs, and continues them."""

    looks_ahead = False

    def __init__(
        self, task: Task, seed: int, ending: Convergence | None = None
    ) -> None:
        hp = hyperparameters(task)
        self._places = Places(task, hp.space)
        self.planner = Planner(
            dimensions(hp.space),
            epochs=EPOCHS,
            seed=seed,
            max_trials=_MANY,
            ending=ending,
        )
        # For each trial where it is, and its losses.
        self._points: list[tuple[int, ...]] = []
        self._curves: list[list[float]] = []

    def begin(self) -> Trial | None:
        """See `replay.Searcher`."""
        step = self.planner.next()
        if not isinstance(step, Continue):
            # What can hardly win any more is let go, as it is in earnest.
            for number in self.planner.hopeless():
                self.planner.end(number)
        if isinstance(step, Continue):
            number = step.trial
            self.planner.resume(number)
        elif isinstance(step, Start):
            number = len(self._points)
            self.planner.start(number, step.values)
            self._points.append(self._places.of(step.values))
            self._curves.append([])
        else:
            return None
        return Trial(number, self._points[number], len(self._curves[number]))

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """See `replay.Searcher`."""
        curve = self._curves[trial.trial_id]
        curve.append(loss)
        self.tell_times(trial, epoch)
        decision = self.planner.after_epoch(trial.trial_id, epoch + 1, min(curve))
        return decision is not Decision.GO_ON

    def tell_times(self, trial: Trial, epoch: int) -> None:
        """Tells how long an epoch takes; to begin takes no time."""
        self.planner.learn_times({trial.trial_id: trial.epoch_s})

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """See `replay.Searcher`."""
        if stopped:
            self.planner.pause(trial.trial_id)
        else:
            self.planner.end(trial.trial_id, whole=True)


class PlainOptuna:
    """Optuna as its documentation shows it: its default sampler and a pruner."""

    looks_ahead = False

    def __init__(self, task: Task, seed: int, pruner: Any) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._task = task
        sampler = optuna.samplers.TPESampler(seed=seed)
        # HyperbandPruner draws brackets from the name, which Optuna would draw anew.
        self._study = optuna.create_study(
            sampler=sampler, pruner=pruner, study_name=f"seed {seed}"
        )

    def begin(self) -> Trial | None:
        """See `replay.Searcher`."""
        trial = self._study.ask()
        place: dict[str, int] = {}
        for name, values in self._task.space.items():
            parent, allowed = self._task.conditions.get(name, (None, []))
            if parent and self._task.space[parent][place[parent]] not in allowed:
                place[name] = 0
            elif isinstance(values[0], str):
                place[name] = values.index(trial.suggest_categorical(name, values))
            else:
                place[name] = trial.suggest_int(name, 0, len(values) - 1)
        return Trial(trial, tuple(place.values()))

    def report(self, trial: Trial, epoch: int, loss: float) -> bool:
        """See `replay.Searcher`."""
        trial.trial_id.report(loss, epoch + 1)
        return bool(trial.trial_id.should_prune())

    def end(self, trial: Trial, best: float, stopped: bool) -> None:
        """See `replay.Searcher`."""
        if stopped:
            self._study.tell(trial.trial_id, state=optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(trial.trial_id, best)


def make(name: str, task: Task, seed: int, workers: int) -> tuple[Any, int]:
    """Returns a searcher and its number of workers.

    It is `workers`, and one for the stock Tuner, which runs one trial after the other.
    """
    family, _, kind = name.partition(" ")
    if name == AUTO:
        return Auto(task, seed), workers
    if family == "ray":
        from benchmarks.ray_searcher import RayTune

        return RayTune(task, seed, model=kind == "optuna asha"), workers
    if family == "syne":
        from benchmarks.syne_searcher import SyneTune

        return SyneTune(task, seed, kind), workers
    if family == "vizier":
        from benchmarks.vizier_searcher import Vizier

        return Vizier(task, seed, kind, _MANY), workers
    if family == "optuna":
        return PlainOptuna(task, seed, _PRUNERS[kind]()), workers
    common: dict[str, Any] = {
        "objective": OBJECTIVE,
        "hyperparameters": hyperparameters(task),
        "seed": seed * _seed_step(name) + 1,
    }
    if family in (STOCK, KERAS_TUNER):
        searcher = OfKerasTuner(_KERAS_TUNER[kind](**common), task)
        return searcher, 1 if family == STOCK else workers
    draws = kind == "random"
    kind_of_oracle = oracles.RandomSearchOracle if draws else OptunaOracle
    oracle = kind_of_oracle(max_trials=_MANY, **common)
    repair(oracle)
    # The product asks an oracle ahead whose suggestions take long: those with a model do.
    return OfKerasTuner(oracle, task, _RULES[kind], looks_ahead=not draws), workers


def _seed_step(name: str) -> int:
    """How far the seeds of two searches of KerasTuner's are apart.

    It draws each value with the next whole number as its seed. So seeds beside each other
    draw the same values, and in spaces with conditions soon the same points as well.
    """
    family, _, kind = name.partition(" ")
    draws = family in (STOCK, KERAS_TUNER) or (family, kind) == ("ours", "random")
    return 1_000_003 if draws else 1


def settings(name: str) -> str:
    """What tells a search from others of its family, so that scores of both differ."""
    family, _, kind = name.partition(" ")
    tables: dict[str, dict[str, Any]] = {
        **dict.fromkeys((STOCK, KERAS_TUNER), _KERAS_TUNER),
        "optuna": _PRUNERS,
        "ours": _RULES,
        "vizier": VIZIER,
    }
    of_kind = tables.get(family, {}).get(kind)
    step = _seed_step(name)
    return f"{name} {of_kind}" + (f" {step}" if step > 1 else "")


def available() -> list[str]:
    """The names of all searchers whose libraries are installed, and whose service is there."""
    missing = [] if "VIZIER_ENDPOINT" in os.environ else ["vizier"]
    for family, library in (("ray", "ray.tune"), ("syne", "syne_tune")):
        try:
            # Ray can be there without what Tune needs.
            importlib.import_module(library)
        except ImportError:
            missing.append(family)
    return [name for name in NAMES if name.split()[0] not in missing]


_MANY = 2000
_KERAS_TUNER: dict[str, Callable[..., Any]] = {
    "random": functools.partial(oracles.RandomSearchOracle, max_trials=_MANY),
    "hyperband": functools.partial(
        oracles.HyperbandOracle, max_epochs=EPOCHS, factor=3, hyperband_iterations=5
    ),
    "bayesian": functools.partial(oracles.BayesianOptimizationOracle, max_trials=_MANY),
}
_PRUNERS: dict[str, Callable[[], Any]] = {
    "median": optuna.pruners.MedianPruner,
    "halving": functools.partial(
        optuna.pruners.SuccessiveHalvingPruner, reduction_factor=3
    ),
    "hyperband": functools.partial(
        optuna.pruners.HyperbandPruner, max_resource=EPOCHS, reduction_factor=3
    ),
}
_RULES = {
    "": StoppingOptions("asha"),
    "random": StoppingOptions("asha"),
    "median": StoppingOptions("median"),
    "hyperband": StoppingOptions("hyperband", max_epochs=EPOCHS),
    "without stopping": None,
}
# Of open-source Vizier: its default, a Gaussian process, and one without a model.
VIZIER = {"default": "DEFAULT", "eagle": "EAGLE_STRATEGY"}
NAMES = (
    AUTO,
    *(f"ours {kind}".strip() for kind in _RULES),
    "ray random asha",
    "ray optuna asha",
    "syne random asha",
    "syne bohb",
    *(f"optuna {kind}" for kind in _PRUNERS),
    *(f"{KERAS_TUNER} {kind}" for kind in _KERAS_TUNER),
    *(f"{STOCK} {kind}" for kind in _KERAS_TUNER),
    *(f"vizier {kind}" for kind in VIZIER),
)
