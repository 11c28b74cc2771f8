"""Which trial trains next: a new point, or one that was paused.

Each trial pauses at its next rung unless nothing else is worth more. A model of curves
says what each paused trial, and each of some hundred new points, would come to if it were
trained to the end. The one that is expected to gain most for its time goes on.
"""

import dataclasses
import enum
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from tuner_component.oracles.auto import curve_model
from tuner_component.oracles.auto.costs import Costs
from tuner_component.oracles.auto.curve_model import Array, CurveModel
from tuner_component.oracles.auto.encoding import Encoder
from tuner_component.oracles.auto.rungs import Rungs
from tuner_component.oracles.auto.trials import Status, Trial, Trials
from tuner_component.search.oracle.dimensions import Dimension

# New points that are candidates each time: drawn anywhere, and beside the best trials.
_ANYWHERE, _BESIDE, _PARENTS = 300, 100, 10
# So many paused trials at most are candidates: those that are expected to be best.
_PAUSED = 200
# The parameters are learned again whenever there are so many times the observations.
_GROWTH = 1.25
# When there are no new points left: with what chance of becoming the best a trial goes on,
# and with what chance it is not hopeless yet.
_WORTH, _HOPE = 0.05, 0.002


class Decision(enum.Enum):
    """What becomes of a trial after an epoch."""

    GO_ON = "go on"
    PAUSE = "pause"
    STOP = "stop"


@dataclasses.dataclass(frozen=True)
class Start:
    """Train a new point.

    Attributes:
        values: The values of the hyperparameters that are active there.
    """

    values: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Continue:
    """Go on with a paused trial."""

    trial: Any


@dataclasses.dataclass(frozen=True)
class Wait:
    """Nothing now: what becomes of running trials decides."""


@dataclasses.dataclass(frozen=True)
class Finished:
    """Nothing more: no trial is running, and nothing is worth training."""


Step = Start | Continue | Wait | Finished


@dataclasses.dataclass(frozen=True)
class _Candidate:
    step: Start | Continue
    gain: float
    chance: float


class Planner:
    """Decides for each trial when it trains.

    Tell it all that happens, in order, and it decides the same each time: a planner that
    is told the same again, as after a resume, goes on in the same way.
    """

    def __init__(
        self,
        dimensions: Sequence[Dimension],
        *,
        max_trials: int,
        epochs: int | None = None,
        maximize: bool = False,
        seed: int = 0,
    ) -> None:
        """Starts without trials.

        Args:
            dimensions: The search space.
            max_trials: How many points are tried at most.
            epochs: The epochs of a whole training; None if they are not known.
            maximize: Whether larger values are better.
            seed: Decides what is drawn.
        """
        self._encoder = Encoder(dimensions)
        self._rungs = Rungs(epochs)
        self._max_trials, self._seed = max_trials, seed
        self._sign = -1.0 if maximize else 1.0
        self._trials: Trials = {}
        # Trials and epochs of which there is a value, in the order in which they came.
        self._seen: list[tuple[Any, int]] = []
        self._model = CurveModel(self._encoder.groups)
        self._tuned = 0
        self._ended_after = 0
        self._learned: Any = None
        self._asked: tuple[Any, _Candidate | None] = (None, None)
        self._space_size = self._encoder.size(1 << 20)

    # What happened.

    def learn_from(
        self, values: Mapping[str, Any], value: float, epochs: int | None
    ) -> None:
        """Takes a result of an earlier search.

        It tells the model about its point, which may still be tried. One that is not in
        this search space tells nothing.

        Args:
            values: The values of the hyperparameters.
            value: What the trial came to, of the same objective.
            epochs: After how many epochs; None if it was trained to the end.
        """
        if self._encoder.numbers(values) is None:
            return
        name = ("earlier", len(self._trials))
        self._add(name, values, earlier=True, status=Status.ENDED)
        whole = self._rungs.epochs or 1
        self.observe(name, epochs or whole, value)

    def start(self, trial: Any, values: Mapping[str, Any]) -> None:
        """A trial of a new point runs."""
        self._add(trial, values)

    def resume(self, trial: Any) -> None:
        """A paused trial runs again."""
        self._set(trial, Status.RUNNING)

    def observe(
        self,
        trial: Any,
        epochs: int,
        value: float,
        seconds_per_epoch: float | None = None,
    ) -> None:
        """Takes the value of a trial after some epochs, at a rung or at its end.

        Args:
            trial: One that was started.
            epochs: How many epochs it has been trained for in all.
            value: The objective after the last of them, or its best so far; NaN if the
                trial has failed or diverged.
            seconds_per_epoch: How long an epoch takes, if that is known.
        """
        known = self._trials[trial]
        if seconds_per_epoch is not None:
            known.seconds.append(seconds_per_epoch)
        if known.take(epochs, self._sign * value):
            self._seen.append((trial, epochs))

    def pause(self, trial: Any) -> None:
        """A trial has paused: it may be continued."""
        self._set(trial, Status.PAUSED)

    def end(self, trial: Any, whole: bool = False) -> None:
        """A trial has ended, and cannot be continued.

        Args:
            trial: The trial.
            whole: Whether it ended by itself: so many epochs a whole training has, if
                that was not known.
        """
        self._set(trial, Status.ENDED)
        if whole:
            self._ended_after = max(self._ended_after, self._trials[trial].epochs)

    def fail(self, trial: Any) -> None:
        """A trial has failed: its point is one to avoid."""
        self.observe(trial, self._trials[trial].epochs + 1, math.nan)
        self.end(trial)

    # What to do.

    def is_rung(self, epochs: int) -> bool:
        """Whether a trial is looked at after so many epochs."""
        return self._rungs.is_rung(epochs)

    def after_epoch(
        self,
        trial: Any,
        epochs: int,
        value: float,
        seconds_per_epoch: float | None = None,
    ) -> Decision:
        """Takes a value, and says what becomes of the trial.

        It is only looked at after a rung, and if its value is no number. A trial that
        cannot be paused is stopped instead of it.

        Args:
            trial: A running trial.
            epochs: How many epochs it has been trained for in all.
            value: Its best value so far.
            seconds_per_epoch: How long an epoch takes, if that is known.
        """
        if math.isnan(value) or value * self._sign == math.inf:
            self.observe(trial, epochs, math.nan, seconds_per_epoch)
            return Decision.STOP
        if not self.is_rung(epochs):
            return Decision.GO_ON
        self.observe(trial, epochs, value, seconds_per_epoch)
        if epochs == self._rungs.epochs:
            return Decision.GO_ON  # It ends by itself.
        if self._in_startup():
            return Decision.PAUSE
        best = self._best({*self._paused(), trial})
        goes_on = best is not None and best.step == Continue(trial)
        return Decision.GO_ON if goes_on else Decision.PAUSE

    def next(self, paused: Collection[Any] | None = None) -> Step:
        """What a worker that is free should do.

        Args:
            paused: The paused trials that can be continued; all of them if left out.
        """
        if self._in_startup() and (numbers := self._spread()) is not None:
            return Start(self._encoder.values(numbers))
        if not self._seen:
            return Wait() if self._is_any_running() else Finished()
        candidates = self._paused() if paused is None else paused
        best = self._best(set(candidates))
        if best is not None:
            return best.step
        return Wait() if self._is_any_running() else Finished()

    def hopeless(self, paused: Collection[Any] | None = None) -> list[Any]:
        """The paused trials that cannot become the best any more."""
        names = list(self._paused() if paused is None else paused)
        if not names or self._in_startup() or not self._is_any_whole():
            return []
        leader = self._leader()
        self._learn(set())
        chances = self._outlook(self._vectors(names))[1]
        return [
            name
            for name, chance in zip(names, chances, strict=True)
            if chance < _HOPE and name != leader
        ]

    @property
    def seen(self) -> Sequence[tuple[Any, int]]:
        """Trials and epochs that were observed, in the order that decisions depend on."""
        return self._seen

    @property
    def why(self) -> str:
        """How it decides, in a sentence."""
        count = len(self._encoder.dimensions)
        dimensions = f"{count} dimension" + ("s" if count != 1 else "")
        if self._rungs.known == (1,):
            return f"A Gaussian process of {dimensions}; trials have one epoch."
        return f"A Gaussian process of {dimensions} and epochs; {self._rungs}."

    # How.

    def _add(
        self,
        name: Any,
        values: Mapping[str, Any],
        earlier: bool = False,
        status: Status = Status.RUNNING,
    ) -> None:
        numbers = self._encoder.numbers(values)
        if numbers is None:
            # A point of the user's, with a value that the space does not have.
            numbers = np.full(len(self._encoder.dimensions), np.nan)
        rows = numbers[None]
        self._trials[name] = Trial(
            self._encoder.keys(rows)[0],
            numbers,
            self._encoder.vectors(rows)[0],
            earlier,
            status,
        )

    def _set(self, trial: Any, status: Status) -> None:
        self._trials[trial].status = status

    def _paused(self) -> list[Any]:
        return [n for n, one in self._trials.items() if one.status is Status.PAUSED]

    def _is_any_running(self) -> bool:
        return any(one.status is Status.RUNNING for one in self._trials.values())

    def _own(self) -> int:
        return sum(not one.earlier for one in self._trials.values())

    def _tried(self) -> set[Any]:
        return {one.key for one in self._trials.values() if not one.earlier}

    def _in_startup(self) -> bool:
        wanted = min(max(len(self._encoder.dimensions) + 2, 4), 12)
        wanted = min(wanted, max(self._max_trials // 3, 1))
        if self._space_size is not None:
            wanted = min(wanted, max(self._space_size // 3, 1))
        return len(self._trials) < wanted or not self._seen

    def _is_any_whole(self) -> bool:
        end = self._horizon()
        return any(one.epochs >= end for one in self._trials.values())

    def _horizon(self) -> int:
        longest = max((one.epochs for one in self._trials.values()), default=1)
        return self._rungs.horizon(longest, self._ended_after)

    def _leader(self) -> Any:
        own = {name: one for name, one in self._trials.items() if not one.earlier}
        return min(own, key=lambda name: own[name].best, default=None)

    def _draw(self) -> np.random.Generator:
        return np.random.default_rng([self._seed, len(self._seen), self._own()])

    def _spread(self) -> Array | None:
        """The numbers of a point far from others; None if it may not be another one.

        It is the next one of a sequence.
        """
        own, count = self._own(), len(self._encoder.dimensions)
        if own >= self._max_trials:
            return None
        sequence = qmc.Sobol(count, seed=self._seed)
        places = sequence.random(1 << max(own + 64, 1).bit_length())
        tried = self._tried()
        drawn = self._encoder.drawn(places[own:])
        pairs = zip(self._encoder.keys(drawn), drawn, strict=True)
        fresh = (numbers for key, numbers in pairs if key not in tried)
        return next(fresh, None)

    def _vectors(self, names: Collection[Any]) -> Array:
        width = len(self._encoder.groups)
        rows = [self._trials[name].vector for name in names]
        return np.array(rows) if rows else np.zeros((0, width))

    def _learn(self, idle: Collection[Any]) -> None:
        """Brings the model up to what is known.

        Args:
            idle: Trials that are not pending although they run.
        """
        pending = [
            name
            for name, one in self._trials.items()
            if one.status is Status.RUNNING and name not in idle
        ]
        key = (len(self._seen), pending, self._horizon())
        if self._learned == key:
            return
        self._learned = key
        # Always with the same numbers of observations, however often it is asked: after a
        # resume it comes to the same parameters.
        while (due := self._next_tuning()) <= len(self._seen):
            self._tuned = due
            self._observe(self._seen[:due])
            self._model.tune(self._observations)
        self._observe(self._seen)
        self._model.learn(
            self._observations,
            curve_model.Observations(
                self._vectors(pending),
                np.arange(len(pending)),
                curve_model.time_of(
                    [self._rungs.after(self._trials[name].epochs) for name in pending]
                ),
                np.zeros(len(pending)),
            ),
        )

    def _next_tuning(self) -> int:
        return max(math.ceil(self._tuned * _GROWTH), self._tuned + 4)

    def _observe(self, seen: list[tuple[Any, int]]) -> None:
        values = np.array([self._trials[name].reached[after] for name, after in seen])
        self._scale = curve_model.Scale(values)
        chosen = self._chosen(values)
        names = list(dict.fromkeys(seen[place][0] for place in chosen))
        rows = {name: row for row, name in enumerate(names)}
        self._observations = curve_model.Observations(
            self._vectors(names),
            np.array([rows[seen[place][0]] for place in chosen], np.intp),
            curve_model.time_of([seen[place][1] for place in chosen]),
            self._scale.scaled(values[chosen]),
        )

    def _chosen(self, values: Array) -> Any:
        """The observations that the model learns from, if there are too many for it."""
        many = len(values)
        if many <= curve_model.OBSERVED:
            return range(many)
        draw = np.random.default_rng([self._seed, many])
        order = np.argsort(np.where(np.isfinite(values), values, np.inf), kind="stable")
        half = curve_model.OBSERVED // 2
        rest = draw.permutation(order[half:])[: curve_model.OBSERVED - half]
        return sorted([*order[:half].tolist(), *rest.tolist()])

    def _outlook(self, vectors: Array) -> tuple[Array, Array]:
        """The expected gain, and the chance of any, of whole trainings."""
        best = min(
            (one.best for one in self._trials.values() if not one.earlier),
            default=math.inf,
        )
        target = float(self._scale.scaled([best])[0])
        ends = np.full(len(vectors), curve_model.time_of(self._horizon()))
        mean, deviation = self._model.predict(vectors, ends)
        return (
            curve_model.improvement(mean, deviation, target),
            curve_model.chance(mean, deviation, target),
        )

    def _best(self, paused: Collection[Any]) -> _Candidate | None:
        """The candidate that is worth most; None if none is worth anything."""
        self._learn(paused)
        # A trial that does not go on pauses, and its worker asks the same again.
        key = (self._learned, self._own(), set(paused))
        if self._asked[0] != key:
            self._asked = (key, self._chosen_of(paused))
        return self._asked[1]

    def _chosen_of(self, paused: Collection[Any]) -> _Candidate | None:
        end = self._horizon()
        names = [
            name
            for name in self._trials
            if name in paused and self._trials[name].epochs < end
        ]
        names = self._promising(names)
        numbers = self._new()
        if not names and not len(numbers):
            return None
        vectors = np.concatenate([self._vectors(names), self._encoder.vectors(numbers)])
        gains, chances = self._outlook(vectors)
        if not len(numbers):
            leader = self._leader()
            worth = chances >= _WORTH
            worth |= np.array([name == leader for name in names])
            if not worth.any():
                return None
            gains = np.where(worth, gains + 1e-12, 0.0)
        done = np.array([self._trials[name].epochs for name in names] + [0] * len(numbers))
        rates = gains / (self._seconds(names, vectors) * (end - done))
        place = int(np.argmax(rates))
        step: Start | Continue
        if place < len(names):
            step = Continue(names[place])
        else:
            step = Start(self._encoder.values(numbers[place - len(names)]))
        return _Candidate(step, float(gains[place]), float(chances[place]))

    def _seconds(self, names: list[Any], vectors: Array) -> Array:
        trials = list(self._trials.values())
        costs = Costs(
            np.array([one.vector for one in trials]),
            np.array([one.epoch_s for one in trials]),
        )
        found = costs.predict(vectors)
        own = np.array([self._trials[name].epoch_s for name in names])
        if len(names):
            found[: len(names)] = np.where(np.isnan(own), found[: len(names)], own)
        return found

    def _promising(self, names: list[Any]) -> list[Any]:
        if len(names) <= _PAUSED:
            return names
        ends = np.full(len(names), curve_model.time_of(self._horizon()))
        means = self._model.expect(self._vectors(names), ends)
        kept = set(np.argsort(means, kind="stable")[:_PAUSED].tolist())
        return [name for place, name in enumerate(names) if place in kept]

    def _new(self) -> Array:
        """The numbers of untried points, of which the best may be started."""
        count = len(self._encoder.dimensions)
        if self._own() >= self._max_trials:
            return np.zeros((0, count))
        draw, tried = self._draw(), self._tried()
        parts = [self._encoder.drawn(draw.random((_ANYWHERE, count)))]
        ranked = sorted(self._trials.values(), key=lambda one: one.best)[:_PARENTS]
        parents = np.array([one.numbers for one in ranked])
        rows = parents[np.arange(_BESIDE) % len(parents)]
        parts.append(self._encoder.mutated(rows, draw))
        found = np.concatenate(parts)
        fresh: dict[Any, Array] = {}
        for key, numbers in zip(self._encoder.keys(found), found, strict=True):
            if key not in tried:
                fresh.setdefault(key, numbers)
        if not fresh:
            # Few are left, if any: look at each.
            every = self._encoder.every(4096)
            every = np.zeros((0, count)) if every is None else every
            pairs = zip(self._encoder.keys(every), every, strict=True)
            fresh = {key: numbers for key, numbers in pairs if key not in tried}
        return np.array(list(fresh.values())) if fresh else np.zeros((0, count))


__all__ = ["Continue", "Decision", "Finished", "Planner", "Start", "Step", "Trial", "Wait"]
