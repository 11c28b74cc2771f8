"""The model of curves."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tuner_component.planner import curve_model
from tuner_component.planner.curve_model import CurveModel, Observations

_END = curve_model.time_of(27)


def _curves(count: int, dimensions: int = 2) -> tuple[np.ndarray, Observations]:
    """Configurations that are the better at the end the worse they begin."""
    vectors = np.random.default_rng(0).random((count, dimensions))
    early, late = 1.0 + vectors[:, 0], 1.0 - 2.0 * vectors[:, 0]
    trained = count // 3
    rows = np.concatenate([np.arange(count), np.arange(trained)])
    return vectors, Observations(
        vectors,
        rows,
        curve_model.time_of([1] * count + [27] * trained),
        np.concatenate([early, late[:trained]]),
    )


def _fitted(known: Observations, groups: int | None = None) -> CurveModel:
    count = known.vectors.shape[1]
    model = CurveModel(np.arange(count) if groups is None else np.zeros(count, int))
    model.tune(known)
    model.learn(known)
    return model


def test_it_tells_late_bloomers_from_others() -> None:
    """What starts slowly would be given up, as by a rule that compares losses."""
    vectors, known = _curves(60)
    mean, deviation = _fitted(known).predict(vectors[20:], np.full(40, _END))
    np.testing.assert_allclose(mean, 1.0 - 2.0 * vectors[20:, 0], atol=0.15)
    assert deviation.max() < 0.3


def test_how_curves_go_on_is_learned_among_many_that_only_begin() -> None:
    """After some hundred points, of which most were trained for an epoch, the model would
    take for the best what begins best, whatever it had learned before.
    """
    vectors, known = _curves(400)
    trained = np.arange(len(known.target)) >= 400
    few = np.flatnonzero(trained & (known.trial < 5))
    begun = np.flatnonzero(~trained)
    many = known.part(np.concatenate([few, begun]))
    mean, _ = _fitted(many).predict(vectors[20:], np.full(380, _END))
    np.testing.assert_allclose(mean, 1.0 - 2.0 * vectors[20:, 0], atol=0.11)


def test_it_finds_the_dimension_that_matters() -> None:
    """In a space of many dimensions, nothing would be near to anything."""
    model = _fitted(_curves(60, dimensions=4)[1])
    scales = model.parameters[:4]
    assert scales[0] < scales[1:].min() - 0.5


def test_the_gradient_is_that_of_the_likelihood() -> None:
    """The parameters would be anything."""
    vectors, known = _curves(20, dimensions=3)
    model = CurveModel(np.array([0, 1, 1]))
    squares = model._squares(vectors)
    at = model.parameters + 0.1
    _, gradient = model._objective(at, known, squares)
    for place in range(len(at)):
        step = np.zeros_like(at)
        step[place] = 1e-5
        above, below = (
            model._objective(at + sign * step, known, squares)[0] for sign in (1, -1)
        )
        assert gradient[place] == pytest.approx(
            (above - below) / 2e-5, rel=1e-3, abs=1e-4
        )


def test_it_finds_the_same_each_time() -> None:
    """A resumed search would go on in another way."""
    vectors, known = _curves(30)
    first, second = (_fitted(known).predict(vectors, np.ones(30)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_pending_trials_change_how_sure_it_is_but_not_what_it_expects() -> None:
    """Free workers would all train at the same place."""
    known = _curves(12)[1]
    there = np.array([[0.9, 0.9]])
    ends = np.array([_END])
    model = _fitted(known)
    before = model.predict(there, ends)
    model.learn(known, Observations(there, np.array([0]), ends, np.zeros(1)))
    after = model.predict(there, ends)
    np.testing.assert_allclose(after[0], before[0])
    assert after[1] < 0.6 * before[1]


def test_deviations_are_as_large_as_the_longest_trainings_tell() -> None:
    """Where rungs mislead, the model would be sure of what it knows nothing of."""
    vectors, known = _curves(30)
    draw = np.random.default_rng(1)
    ends = np.flatnonzero(known.time == _END)
    found = []
    for spread in (0.0, 1.0):
        target = known.target.copy()
        target[ends] += spread * draw.normal(size=len(ends))
        model = CurveModel(np.arange(2))  # As unsure as it is before any training.
        model.learn(dataclasses.replace(known, target=target), ends=ends)
        found.append(model.predict(vectors, np.full(30, _END))[1])
    assert (found[1] > 1.5 * found[0]).all()


def test_an_end_is_compared_with_what_is_expected_without_it() -> None:
    """The formula would be another one than that of leaving one out."""
    known = _curves(15)[1]
    ends = np.flatnonzero(known.time == _END)
    whole = CurveModel(np.arange(2))
    whole.learn(known, ends=ends)
    squares = []
    for end in ends:
        others = np.delete(np.arange(len(known.target)), end)
        model = CurveModel(np.arange(2))
        model.learn(known.part(others))
        mean, deviation = model.predict(
            known.vectors[known.trial[[end]]], known.time[[end]]
        )
        variance = deviation[0] ** 2 + math.exp(model.parameters[-1])
        squares.append((known.target[end] - mean[0]) ** 2 / variance)
    told = (curve_model._BELIEF + sum(squares)) / (curve_model._BELIEF + len(ends))
    times = math.sqrt(told)
    vectors, at = known.vectors, np.full(15, _END)
    without = CurveModel(np.arange(2))
    without.learn(known)
    wanted = times * without.predict(vectors, at)[1]
    np.testing.assert_allclose(whole.predict(vectors, at)[1], wanted, rtol=1e-3)
    assert whole.noise == pytest.approx(times * without.noise, rel=1e-3)
    assert whole.own == pytest.approx(times**2 * without.own, rel=1e-3)


def test_a_value_far_away_makes_deviations_not_endless() -> None:
    """After one such training the model would know nothing of all others."""
    known = _curves(30)[1]
    ends = np.flatnonzero(known.time == _END)
    known.target[ends[0]] = -1e6
    model = CurveModel(np.arange(2))
    model.learn(known)
    before = model.noise
    model.learn(known, ends=ends)
    assert before < model.noise <= curve_model._FARTHEST * before


def test_of_many_observations_few_are_computed_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A suggestion would take the longer the more trials there were."""
    sizes, calls = set[int](), []
    cholesky = curve_model.linalg.cholesky

    def counted(matrix: np.ndarray, **options: bool) -> np.ndarray:
        sizes.add(len(matrix))
        calls.append(len(matrix))
        found: np.ndarray = cholesky(matrix, **options)
        return found

    monkeypatch.setattr(curve_model.linalg, "cholesky", counted)
    known = _curves(600)[1]
    CurveModel(np.arange(2)).tune(known)
    assert max(sizes) <= curve_model.FITTED
    assert len(calls) <= 30


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_and_equal_observations_are_enough(count: int) -> None:
    """The first suggestions, or those of trials that all diverge, would raise."""
    known = Observations(
        np.full((count, 1), 0.5), np.arange(count), np.zeros(count), np.ones(count)
    )
    mean, deviation = _fitted(known).predict(np.array([[0.5], [0.9]]), np.ones(2))
    assert np.isfinite(mean).all()
    assert (deviation > 0.0).all()


def test_choices_alone_are_learned_from() -> None:
    """A space without numbers would be searched at random."""
    vectors = np.kron(np.eye(4), np.ones((6, 1))) * math.sqrt(0.5)
    target = np.repeat([0.0, 1.0, -1.0, 0.5], 6)
    known = Observations(vectors, np.arange(24), np.full(24, _END), target)
    mean, _ = _fitted(known, groups=1).predict(
        np.eye(4) * math.sqrt(0.5), np.full(4, _END)
    )
    assert np.argsort(mean).tolist() == [2, 0, 3, 1]
