"""A search that pauses trials and continues those that are worth it: a prototype.

    python -m benchmarks.freeze_thaw [--seeds 5] [--workers 2] [--tasks digits late]

It exists in replays alone, to find out whether it is worth building. A Gaussian process
on configuration and epoch learns from what each trial came to at its rungs (1, 3, 9, 27
epochs). It says what each paused trial, and each of a few hundred new points, would come
to if it were trained to the end. The one with the largest expected improvement runs to its
next rung, and pauses there. The idea of pausing and of a kernel that joins configuration
and epoch is from freeze-thaw Bayesian optimization (Swersky, Snoek and Adams 2014) and
DyHPO (Wistuba, Kadra and Grabocka 2022); this is neither of them.
"""

import argparse
import dataclasses
import json
from typing import Any

import numpy as np
from scipy import linalg, special

from benchmarks import (
    curve_tasks,
    replay,
    scoring,
    synthetic_curves,
)

_RUNGS = (1, 3, 9, 27)
# Points that are drawn before the model is asked.
_STARTUP = 8
# Of how many observations the model learns at most, and from how many its parameters.
_OBSERVATIONS, _FITTED = 400, 120
# How many new points are candidates each time.
_NEW = 256
_REFIT_EVERY = 16


@dataclasses.dataclass
class _Parameters:
    scales: np.ndarray
    noise: float = 0.1
    of_epoch: float = 0.3


class CurveModel:
    """A Gaussian process of losses by configuration and epoch.

    Its kernel is the sum of a part that the epochs of a configuration share, and of one
    in which near epochs are alike.
    """

    def __init__(self, dimensions: int) -> None:
        self._parameters = _Parameters(np.full(dimensions, 0.5))

    def fit(self, points: np.ndarray, epochs: np.ndarray, losses: np.ndarray) -> None:
        """Learns from observations; parameters as well if they are few."""
        # The order of magnitude of what is bad, or has diverged, does not matter.
        logs = np.log(np.maximum(losses, 1e-9))
        middle = np.median(logs)
        spread = max(middle - np.quantile(logs, 0.05), 1e-6)
        self._shift, self._unit = middle, spread
        self._points, self._times = points, np.log(epochs) / np.log(_RUNGS[-1])
        self._targets = np.clip(self._scaled(losses), None, 1.5)
        self._mean = float(self._targets.mean())
        self._factor, self._weights, _ = self._solved(self._parameters, slice(None))

    def _scaled(self, losses: Any) -> Any:
        return (np.log(np.maximum(losses, 1e-9)) - self._shift) / self._unit

    def tune(self, draw: np.random.Generator) -> None:
        """Improves the parameters, one after the other, by the marginal likelihood."""
        chosen = draw.permutation(len(self._targets))[:_FITTED]
        best = self._solved(self._parameters, chosen)[2]
        for _ in range(2):
            for place in range(len(self._parameters.scales) + 2):
                for factor in (0.5, 2.0):
                    tried = self._changed(place, factor)
                    found = self._solved(tried, chosen)[2]
                    if found > best:
                        best, self._parameters = found, tried

    def _changed(self, place: int, factor: float) -> _Parameters:
        now = self._parameters
        if place == len(now.scales):
            noise = float(np.clip(now.noise * factor, 1e-3, 1.0))
            return dataclasses.replace(now, noise=noise)
        if place > len(now.scales):
            of_epoch = float(np.clip(now.of_epoch * factor, 0.03, 3.0))
            return dataclasses.replace(now, of_epoch=of_epoch)
        scales = now.scales.copy()
        scales[place] = np.clip(scales[place] * factor, 0.1, 8.0)
        return dataclasses.replace(now, scales=scales)

    def _kernel(self, one: _Parameters, a: Any, s: Any, b: Any, t: Any) -> np.ndarray:
        left, right = a / one.scales, b / one.scales
        squares = (left**2).sum(1)[:, None] + (right**2).sum(1) - 2 * left @ right.T
        distance = np.sqrt(5 * np.maximum(squares, 0.0))
        near = (1 + distance + distance**2 / 3) * np.exp(-distance)
        in_time = np.exp(-((s[:, None] - t) ** 2) / 0.18)
        result: np.ndarray = near * (1 + one.of_epoch * 4 * in_time)
        return result

    def _solved(self, one: _Parameters, chosen: Any) -> tuple[Any, Any, float]:
        points, times = self._points[chosen], self._times[chosen]
        targets = self._targets[chosen] - self._mean
        covariance = self._kernel(one, points, times, points, times)
        # What a configuration has of its own, at each epoch alike.
        same = (np.abs(points[:, None] - points).sum(-1) < 1e-9).astype(float)
        covariance += one.noise * same
        covariance[np.diag_indices(len(targets))] += 0.3 * one.noise + 1e-6
        factor = linalg.cholesky(covariance, lower=True)
        white = linalg.solve_triangular(factor, targets, lower=True)
        variance = float(white @ white) / len(targets)
        likelihood = (
            -0.5 * len(targets) * np.log(variance) - np.log(np.diag(factor)).sum()
        )
        weights = linalg.solve_triangular(factor, white, lower=True, trans=1)
        self._variance = variance
        return factor, weights, likelihood

    def improvement(self, points: np.ndarray, best: float) -> np.ndarray:
        """The expected improvement on the loss `best`, of trainings to the end."""
        one = self._parameters
        ends = np.ones(len(points))
        across = self._kernel(one, points, ends, self._points, self._times)
        same = np.abs(points[:, None] - self._points).sum(-1) < 1e-9
        across += one.noise * same
        mean = self._mean + across @ self._weights
        solved = linalg.solve_triangular(self._factor, across.T, lower=True)
        own = 1 + 4 * one.of_epoch + one.noise
        deviation = np.sqrt(np.maximum(own - (solved**2).sum(0), 1e-9) * self._variance)
        gap = self._scaled(best) - mean
        z = gap / deviation
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        found: np.ndarray = gap * special.ndtr(z) + deviation * density
        return found


class FreezeThaw:
    """Pauses each trial at its rungs: see `replay.Searcher`."""

    looks_ahead = False

    def __init__(self, space: curve_tasks.Space, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._sizes = [len(values) for values in space.values()]
        # By place: the best loss so far by the rung's number of epochs.
        self._reached: dict[tuple[int, ...], dict[int, float]] = {}
        self._running: set[tuple[int, ...]] = set()
        self._model = CurveModel(len(self._sizes))
        self._asked = 0

    def _vectors(self, places: list[tuple[int, ...]]) -> np.ndarray:
        scale = np.array([max(size - 1, 1) for size in self._sizes], float)
        return np.array(places, float) / scale

    def begin(self) -> replay.Trial | None:
        self._asked += 1
        if len(self._reached) + len(self._running) < _STARTUP:
            return self._start(self._new(1)[0])
        paused = [
            place
            for place, known in self._reached.items()
            if max(known) < _RUNGS[-1] and place not in self._running
        ]
        candidates = paused + self._new(_NEW)
        if not candidates:
            return None
        self._learn()
        best = min(min(known.values()) for known in self._reached.values())
        gains = self._model.improvement(self._vectors(candidates), best)
        return self._start(candidates[int(np.argmax(gains))])

    def _new(self, number: int) -> list[tuple[int, ...]]:
        drawn = {
            tuple(int(self._draw.integers(size)) for size in self._sizes)
            for _ in range(2 * number)
        }
        known = self._running.union(self._reached)
        fresh = [place for place in sorted(drawn) if place not in known]
        self._draw.shuffle(fresh)
        return [tuple(place) for place in fresh[:number]]

    def _learn(self) -> None:
        seen = [
            (place, epochs, loss)
            for place, known in self._reached.items()
            for epochs, loss in known.items()
        ]
        seen = seen[-_OBSERVATIONS:]
        places, epochs, losses = zip(*seen, strict=True)
        self._model.fit(
            self._vectors(list(places)), np.array(epochs, float), np.array(losses)
        )
        if self._asked % _REFIT_EVERY == 0 or self._asked == _STARTUP + 1:
            self._model.tune(self._draw)
            self._model.fit(
                self._vectors(list(places)), np.array(epochs, float), np.array(losses)
            )

    def _start(self, place: tuple[int, ...]) -> replay.Trial:
        self._running.add(place)
        begin = max(self._reached.get(place, {0: 0.0}))
        end = next(rung for rung in _RUNGS if rung > begin)
        return replay.Trial(place, place, begin, end)

    def report(self, trial: replay.Trial, epoch: int, loss: float) -> bool:
        return False

    def end(self, trial: replay.Trial, best: float, stopped: bool) -> None:
        self._running.discard(trial.place)
        known = self._reached.setdefault(trial.place, {})
        known[trial.end] = min([best, *known.values()])


def measure(task: str, seeds: int, workers: int) -> dict[str, Any]:
    """Replays it on a task."""
    late = task == "late"
    table = synthetic_curves.late_bloomers() if late else replay.recorded(task)
    how = scoring.Measure.of(table, workers)
    scores = []
    for seed in range(seeds):
        found = replay.run(
            FreezeThaw(table.space, seed), table, workers, how.limit_s, how.enough
        )
        scores.append(how.score(found))
    return scoring.figures_of(scores)


def main() -> None:
    """Prints the figures of each task."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tasks", nargs="*", default=[*curve_tasks.TASKS, "late"])
    arguments = parser.parse_args()
    for task in arguments.tasks:
        figures = measure(task, arguments.seeds, arguments.workers)
        print(task, json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
