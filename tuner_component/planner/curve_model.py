"""A Gaussian process of learning curves: of values by configuration and epoch.

Its kernel is a sum. What all configurations have in common at an epoch. What alike
configurations have in common, at all epochs and at near ones. What a configuration has of
its own, and noise. So what one trial came to after many epochs tells what those beside it,
which have only just begun, may come to.

The idea of one model of configuration and epoch is from freeze-thaw Bayesian optimization
(Swersky, Snoek and Adams 2014, https://arxiv.org/abs/1406.3896) and DyHPO (Wistuba, Kadra
and Grabocka 2022, https://arxiv.org/abs/2202.09774).
"""

import dataclasses
import math
from typing import Any

import numpy as np
from scipy import linalg, optimize

from tuner_component.planner.arrays import Array, Integers

# From how many observations the parameters are learned, and from how many the rest.
FITTED, OBSERVED = 150, 400
# How often the likelihood is computed while parameters are learned.
_EVALUATIONS = 16
_JITTER = 1e-6
# So many ends that are made up, each just one deviation away, count beside the real ones.
# A real one counts as at most so many deviations away.
_BELIEF, _FARTHEST = 5.0, 10.0

# The parameters, as logarithms, behind the scales of the dimensions: the mean and the
# deviation of what is likely before there are observations.
_PRIOR = {
    "time_scale": (math.log(0.5), 0.5),
    "common": (math.log(0.5), 1.0),
    "alike": (math.log(0.7), 1.0),
    "alike_then": (math.log(0.3), 1.0),
    "own": (math.log(0.05), 1.0),
    "noise": (math.log(0.02), 1.0),
}
_SCALE_DEVIATION = 0.8
_OTHERS = list(_PRIOR)


@dataclasses.dataclass(frozen=True)
class Observations:
    """What is known of curves.

    Attributes:
        vectors: The vectors of configurations.
        trial: For each observation, the row of its configuration.
        time: Its epoch, as `time_of` has it.
        target: Its value as `Scale` has it; smaller is better.
    """

    vectors: Array
    trial: Integers
    time: Array
    target: Array

    def part(self, chosen: Integers) -> "Observations":
        """Some of the observations, without the configurations that have none."""
        rows, trial = np.unique(self.trial[chosen], return_inverse=True)
        return Observations(
            self.vectors[rows],
            trial.reshape(-1),
            self.time[chosen],
            self.target[chosen],
        )


def time_of(epochs: Any) -> Any:
    """The model's time, by which 27 epochs are 1, and threefold epochs 1/3 more."""
    return np.log(np.maximum(np.asarray(epochs, float), 1.0)) / math.log(27.0)


class CurveModel:
    """The model: learns from observations, predicts at configurations and epochs.

    Everything that it finds follows from what it is given: it draws nothing.
    """

    def __init__(self, groups: Integers) -> None:
        """Starts without observations.

        Args:
            groups: For each coordinate of a vector, the number of its dimension: one
                scale is learned for each dimension.
        """
        self._groups = groups
        count = int(groups.max()) + 1 if len(groups) else 0
        scale = math.log(0.4 * math.sqrt(max(count, 1)))
        self._mean = np.array([scale] * count + [_PRIOR[name][0] for name in _OTHERS])
        self._spread = np.array(
            [_SCALE_DEVIATION] * count + [_PRIOR[name][1] for name in _OTHERS]
        )
        self.parameters = self._mean.copy()

    def tune(self, known: Observations) -> None:
        """Learns the parameters, from where they are, by the marginal likelihood."""
        known = known.part(_fitted(known))
        squares = self._squares(known.vectors)
        found = optimize.minimize(
            lambda at: self._objective(at, known, squares),
            self.parameters,
            jac=True,
            method="L-BFGS-B",
            bounds=list(
                zip(
                    self._mean - 4.0 * self._spread,
                    self._mean + 4.0 * self._spread,
                    strict=True,
                )
            ),
            options={"maxfun": _EVALUATIONS, "maxiter": _EVALUATIONS},
        )
        if np.isfinite(found.fun):
            self.parameters = found.x

    def _squares(self, vectors: Array) -> Array:
        """The squared distances of configurations in each dimension."""
        steps = (vectors[:, None, :] - vectors[None, :, :]) ** 2
        count = len(self._mean) - len(_OTHERS)
        found = np.zeros((count, len(vectors), len(vectors)))
        for column, group in enumerate(self._groups):
            found[group] += steps[:, :, column]
        return found

    def _objective(
        self, at: Array, known: Observations, squares: Array
    ) -> tuple[float, Array]:
        """The negative log posterior of parameters, and its gradient."""
        count = len(squares)
        scales = np.exp(-2.0 * at[:count])
        length, common, alike, alike_then, own, noise = np.exp(at[count:])
        distance = np.sqrt(5.0 * np.tensordot(scales, squares, 1))
        decay = np.exp(-distance)
        near = (1.0 + distance + distance**2 / 3.0) * decay
        pairs = np.ix_(known.trial, known.trial)
        gap = (known.time[:, None] - known.time) ** 2 / length**2
        in_time = np.exp(-0.5 * gap)
        near_of, size = near[pairs], len(known.target)
        by_time = alike + alike_then * in_time
        same = (known.trial[:, None] == known.trial).astype(float)
        covariance = common * in_time + near_of * by_time + own * same
        covariance[np.diag_indices(size)] += noise + _JITTER
        try:
            factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        except linalg.LinAlgError:
            return math.inf, np.zeros_like(at)
        inverse = linalg.cho_solve((factor, True), np.eye(size), check_finite=False)
        weights = inverse @ known.target
        z = (at - self._mean) / self._spread
        value = 0.5 * float(known.target @ weights + z @ z)
        value += float(np.log(np.diag(factor)).sum())
        # d value / d parameter = sum(half * d covariance / d parameter).
        half = 0.5 * (inverse - np.outer(weights, weights))
        by_gap = (common + alike_then * near_of) * in_time * gap
        gradient = np.empty_like(at)
        member = (known.trial[:, None] == np.arange(len(near))).astype(float)
        slope = member.T @ (half * by_time) @ member
        slope *= (5.0 / 3.0) * (1.0 + distance) * decay
        gradient[:count] = np.tensordot(squares, slope, 2) * scales
        gradient[count:] = [
            (half * by_gap).sum(),
            common * (half * in_time).sum(),
            alike * (half * near_of).sum(),
            alike_then * (half * near_of * in_time).sum(),
            own * (half * same).sum(),
            noise * np.trace(half),
        ]
        return value, gradient + z / self._spread

    @property
    def own(self) -> float:
        """The variance of what a configuration has of its own, noise left aside."""
        return float(self._split()[1][-2]) * self._calibration**2

    @property
    def noise(self) -> float:
        """The deviation of what the hyperparameters of a configuration do not explain."""
        *_, own, noise = self._split()[1]
        return math.sqrt(own + noise) * self._calibration

    def _split(self) -> tuple[Array, Array]:
        count = len(self._mean) - len(_OTHERS)
        return np.exp(-self.parameters[:count]), np.exp(self.parameters[count:])

    def learn(
        self,
        known: Observations,
        pending: Observations | None = None,
        ends: Integers | None = None,
    ) -> None:
        """Takes observations, at the parameters that it has.

        Args:
            known: The observations.
            pending: Others to come, whose targets are not known. They are taken to become
                what is expected: only how sure the model is changes by them.
        """
        self._size, self._all = len(known.target), known
        if pending is not None and len(pending.time):
            self._all = Observations(
                np.concatenate([known.vectors, pending.vectors]),
                np.concatenate([known.trial, pending.trial + len(known.vectors)]),
                np.concatenate([known.time, pending.time]),
                known.target,
            )
        covariance = self._covariance(
            self._all.vectors, self._all.time, self._all.trial
        )
        covariance[np.diag_indices(len(covariance))] += self._split()[1][-1] + _JITTER
        self._factor = linalg.cholesky(covariance, lower=True, check_finite=False)
        # The factor of what is known alone is a corner of it.
        corner = self._factor[: self._size, : self._size]
        self._weights = linalg.cho_solve(
            (corner, True), known.target, check_finite=False
        )
        at_ends = np.zeros(0, np.intp) if ends is None else ends
        self._calibration = self._calibrated(corner, at_ends)

    def _calibrated(self, factor: Array, ends: Integers) -> float:
        """How many times as large deviations should be as the parameters have them.

        The likelihood is that of all observations, of which few are of the longest
        trainings. Each of these is compared with what the model would predict without it
        (Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, section
        5.4.2).

        Args:
            factor: The Cholesky factor of the covariance of what is known.
            ends: Which observations are compared.
        """
        units = np.zeros((len(factor), len(ends)))
        units[ends, np.arange(len(ends))] = 1.0
        solved = linalg.solve_triangular(factor, units, lower=True, check_finite=False)
        squares = self._weights[ends] ** 2 / (solved**2).sum(0)
        told = float(np.minimum(squares, _FARTHEST**2).sum())
        return math.sqrt((_BELIEF + told) / (_BELIEF + len(ends)))

    def _covariance(
        self, vectors: Array, time: Array, rows: Integers | None = None
    ) -> Array:
        """Between points (rows of vectors, at times) and what was learned.

        It works in place: at this size, memory for each step takes longer than the step.

        Args:
            vectors: Configurations.
            time: The time of each point.
            rows: The configuration of each point; if left out, there is one for each.
        """
        known = self._all
        inverse, (length, common, alike, alike_then, own, _) = self._split()
        left = vectors * inverse[self._groups]
        right = known.vectors * inverse[self._groups]
        squares = (left**2).sum(1)[:, None] + (right**2).sum(1)
        squares -= 2.0 * left @ right.T
        twins = squares < 1e-9
        near = _matern(squares)
        # There are few times, and many of each.
        these, place = np.unique(time, return_inverse=True)
        those, other = np.unique(known.time, return_inverse=True)
        in_time = np.exp(-0.5 * ((these[:, None] - those) / length) ** 2)
        by_time = (alike + alike_then * in_time)[:, other]
        by_time_alone = (common * in_time)[:, other]
        found: Array = (near if rows is None else near[rows])[:, known.trial]
        if len(these) > 1:
            by_time, by_time_alone = by_time[place], by_time_alone[place]
        found *= by_time
        found += by_time_alone
        if twins.any():
            found += own * (twins if rows is None else twins[rows])[:, known.trial]
        return found

    def predict(self, vectors: Array, time: Array) -> tuple[Array, Array]:
        """The means and deviations of targets, without noise.

        Deviations are as large as those by which trainings to the end differed from what
        was to be expected of them: see `_calibrated`.

        Args:
            vectors: Configurations.
            time: A time for each of them.
        """
        across = self._covariance(vectors, time)
        mean: Array = across[:, : self._size] @ self._weights
        solved = linalg.solve_triangular(
            self._factor, across.T, lower=True, check_finite=False
        )
        _, (_, common, alike, alike_then, own, _) = self._split()
        variance = common + alike + alike_then + own - (solved**2).sum(0)
        return mean, self._calibration * np.sqrt(np.maximum(variance, 1e-9))

    def expect(self, vectors: Array, time: Array) -> Array:
        """The means alone, which take less time."""
        across = self._covariance(vectors, time)
        found: Array = across[:, : self._size] @ self._weights
        return found


def _fitted(known: Observations) -> Integers:
    """The observations that parameters are learned from, if there are too many.

    Half of them are of the trials that were trained longest: few tell how curves go on,
    among many that tell how they begin. The others are the last ones.
    """
    count = len(known.target)
    if count <= FITTED:
        return np.arange(count)
    longest = np.zeros(len(known.vectors))
    np.maximum.at(longest, known.trial, known.time)
    # The last one first where there are several as long.
    order = np.lexsort((-np.arange(count), -longest[known.trial]))
    long = order[: FITTED // 2]
    last = np.setdiff1d(np.arange(count), long)[len(long) - FITTED :]
    return np.sort(np.concatenate([long, last]))


def _matern(squares: Array) -> Array:
    """The Matern kernel (5/2) of squared distances, in their place."""
    distance = squares
    np.maximum(squares, 0.0, out=distance)
    distance *= 5.0
    np.sqrt(distance, out=distance)
    decay = np.negative(distance)
    np.exp(decay, out=decay)
    found = distance**2
    found /= 3.0
    distance += 1.0
    distance += found
    distance *= decay
    return distance
