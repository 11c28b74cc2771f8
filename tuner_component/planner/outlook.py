"""What trials and points may come to if they are trained to the end."""

import math
from collections.abc import Collection
from typing import Any, NamedTuple

import numpy as np

from tuner_component.planner import curve_model, improvement, prospect
from tuner_component.planner.arrays import Array
from tuner_component.planner.costs import Costs
from tuner_component.planner.curve_model import CurveModel, Observations
from tuner_component.planner.encoding import Encoder
from tuner_component.planner.prospect import Prospect
from tuner_component.planner.rungs import Rungs
from tuner_component.planner.scale import Scale
from tuner_component.planner.trials import Status, Trials

# The parameters are learned again whenever there are so many times the observations.
_GROWTH, _AT_LEAST = 1.25, 4


class Views(NamedTuple):
    """What the model says of points that are trained to the end.

    Attributes:
        gains: The logarithm of the expected improvement of each on the best value.
        chances: The chance of any.
        means: What each is expected to come to.
        deviations: How sure that is.
    """

    gains: Array
    chances: Array
    means: Array
    deviations: Array


class Outlook:
    """The model of a search's curves, brought up to what is known when it is asked.

    Everything follows from the trials and their order, so that a search which is resumed
    has the same model.
    """

    def __init__(
        self, encoder: Encoder, trials: Trials, rungs: Rungs, seed: int
    ) -> None:
        """Looks at a search.

        Args:
            encoder: The search space.
            trials: Its trials.
            rungs: When they are looked at.
            seed: Decides which observations are left out, if there are too many.
        """
        self._trials, self._rungs, self._seed = trials, rungs, seed
        self._groups = encoder.groups
        self._width = len(encoder.groups)
        self._model = CurveModel(encoder.groups)
        self._tuned, self._first = 0, _AT_LEAST
        self.state: Any = None

    def begin_anew(self, many: int) -> None:
        """Forgets what was learned from values that are others now.

        Args:
            many: The parameters are learned from so many observations at first.
        """
        self._model = CurveModel(self._groups)
        self._tuned, self._first, self.state = 0, max(many, _AT_LEAST), None

    def learn(self, idle: Collection[Any]) -> None:
        """Brings the model up to what is known.

        Args:
            idle: Trials that are not pending although they run.
        """
        running = self._trials.of_status(Status.RUNNING)
        pending = [name for name in running if name not in idle]
        seen = self._trials.seen
        state = (len(seen), pending, self._trials.horizon)
        if self.state == state:
            return
        self.state = state
        while (due := self._due(len(seen))) is not None:
            self._tuned = due
            self._model.tune(self._observed(seen[:due])[0])
        rungs = [self._rungs.after(self._trials[name].epochs) for name in pending]
        known, chosen = self._observed(seen)
        self._model.learn(
            known,
            Observations(
                self._trials.vectors(pending, self._width),
                np.arange(len(pending)),
                curve_model.time_of(rungs),
                np.zeros(len(pending)),
            ),
            self._trials.ends([seen[place] for place in chosen]),
        )

    def of(self, vectors: Array) -> Views:
        """What the model says of points."""
        best = self._best()
        mean, deviation = self._model.predict(vectors, self._ends(len(vectors)))
        return Views(
            improvement.log_improvement(mean, deviation, best),
            improvement.chance(mean, deviation, best),
            *(mean, deviation),
        )

    def prospect(self, views: Views, tried: int) -> Prospect | None:
        """What to expect of the points that promise most; None without any value yet.

        Args:
            views: What `of` says of points.
            tried: How many of these, the first ones, are of trials. What the others will
                have of their own is luck, which is no gain.
        """
        value = self._trials.best
        if not math.isfinite(value):
            return None
        variances = views.deviations**2
        variances[tried:] -= self._model.own
        deviations = np.sqrt(np.maximum(variances, 1e-9))
        best = self._best()
        gains = improvement.log_improvement(views.means, deviations, best)
        most = np.argsort(-gains, kind="stable")[: prospect.TRIALS]
        units = improvement.expected_improvement_of(
            views.means[most], deviations[most], best
        )
        each = self._trials.mean_seconds
        return Prospect(
            trials=prospect.TRIALS,
            gain=self._scale.difference(value, units),
            noise=self._scale.difference(value, self._model.noise),
            seconds=None if each is None else each * prospect.TRIALS,
        )

    def _best(self) -> float:
        return float(self._scale.scaled([self._trials.best])[0])

    def promising(self, names: list[Any], most: int) -> list[Any]:
        """Those of the trials that are expected to come to the best values."""
        if len(names) <= most:
            return names
        vectors = self._trials.vectors(names, self._width)
        means = self._model.expect(vectors, self._ends(len(names)))
        kept = set(np.argsort(means, kind="stable")[:most].tolist())
        return [name for place, name in enumerate(names) if place in kept]

    def seconds_left(self, names: list[Any], vectors: Array) -> Array:
        """The seconds by which a gain is divided: of trials, and then of new points.

        By turns these are the seconds until the end of the training, and those until the
        trial is looked at again. By the first alone, too little that is new would be
        tried where one look tells much; by the second alone, hardly anything would be
        trained to its end where there is always something new.

        All but what runs has to begin first, which takes time as well.
        """
        end = self._trials.horizon
        done = np.zeros(len(vectors))
        done[: len(names)] = [self._trials[name].epochs for name in names]
        until = np.full(len(vectors), end)
        if len(self._trials.seen) % 2:
            until = np.minimum([self._rungs.after(int(one)) for one in done], end)
        begins: Array = np.full(len(vectors), self._trials.start_s or 0.0)
        runs = [self._trials[name].status is Status.RUNNING for name in names]
        begins[: len(names)][runs] = 0.0
        return begins + self._seconds(names, vectors) * (until - done)

    def epoch_seconds(self, names: list[Any]) -> Array:
        """The seconds of an epoch of trials, as far as they are known or can be guessed."""
        return self._seconds(names, self._trials.vectors(names, self._width))

    def _seconds(self, names: list[Any], vectors: Array) -> Array:
        """The seconds of an epoch: those of trials, and then those of new points."""
        found = np.full(len(vectors), np.nan)
        found[: len(names)] = [self._trials[name].epoch_s for name in names]
        guessed = np.isnan(found)
        if guessed.any():
            trials = list(self._trials.values())
            costs = Costs(
                np.array([one.vector for one in trials]),
                np.array([one.epoch_s for one in trials]),
            )
            found[guessed] = costs.predict(vectors[guessed])
        return found

    def _due(self, many: int) -> int | None:
        """From how many observations the parameters are to be learned next, if now."""
        due = max(math.ceil(self._tuned * _GROWTH), self._tuned + _AT_LEAST)
        due = due if self._tuned else self._first
        return due if due <= many else None

    def _ends(self, count: int) -> Array:
        return np.full(count, curve_model.time_of(self._trials.horizon))

    def _observed(self, seen: list[tuple[Any, int]]) -> tuple[Observations, list[int]]:
        """Some observations as the model takes them, and which of them these are."""
        values = np.array([self._trials[name].reached[after] for name, after in seen])
        self._scale = Scale(values)
        chosen = self._chosen(values)
        names = list(dict.fromkeys(seen[place][0] for place in chosen))
        rows = {name: row for row, name in enumerate(names)}
        observed = Observations(
            self._trials.vectors(names, self._width),
            np.array([rows[seen[place][0]] for place in chosen], np.intp),
            curve_model.time_of([seen[place][1] for place in chosen]),
            self._scale.scaled(values[chosen]),
        )
        return observed, chosen

    def _chosen(self, values: Array) -> list[int]:
        """The observations that the model learns from: half of them the best ones."""
        many = len(values)
        if many <= curve_model.OBSERVED:
            return list(range(many))
        draw = np.random.default_rng([self._seed, many])
        order = np.argsort(np.where(np.isfinite(values), values, np.inf), kind="stable")
        half = curve_model.OBSERVED // 2
        rest = draw.permutation(order[half:])[: curve_model.OBSERVED - half]
        return sorted([*order[:half].tolist(), *rest.tolist()])
