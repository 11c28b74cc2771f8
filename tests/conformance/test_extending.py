"""A finished search that is given more trials is as if it had had them from the start."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes, simulation
from tuner_component.report.loading import load_study

# How many trials the search is given first, and then. Each begins after the first end.
LIMITS = {"bayesian": (5, 7), "grid": (3, 6), "hyperband": (11, 27)}
# Those that decide by how many trials there are to be.
PLANNING = ("auto",)


def limits(kind: str) -> tuple[int, int]:
    return LIMITS.get(kind, (10, 14))


def kinds(*slow: str) -> list[Any]:
    return [
        pytest.param(kind, marks=[pytest.mark.slow] if kind in slow else [])
        for kind in simulation.KINDS
    ]


def searched(directory: str, kind: str, *trials: int) -> dict[str, Any]:
    for number in trials:
        simulation.search(directory, kind, max_trials=number)
    return simulation.results(directory)


def same(some: Any, others: Any) -> bool:
    """Whether trials are the same: the last digit depends on the order of sums."""
    return bool(
        some.keys() == others.keys()
        and all(
            math.isclose(value, others[name], rel_tol=1e-12)
            if isinstance(value, float)
            else value == others[name]
            for name, value in some.items()
        )
    )


@pytest.mark.parametrize("kind", kinds("bayesian"))
def test_an_extended_search_is_a_longer_one(tmp_path: Path, kind: str) -> None:
    """More trials would be others than those of a search that had them at once."""
    few, many = limits(kind)
    whole = searched(str(tmp_path / "whole"), kind, many)
    found = searched(str(tmp_path / "study"), kind, few, many)
    assert len(found) == many
    assert list(found) == list(whole)
    for trial_id, (values, score) in found.items():
        if kind not in PLANNING:
            assert same(values, whole[trial_id][0]), trial_id
            assert math.isclose(score, whole[trial_id][1], rel_tol=1e-12)
    study = load_study(str(tmp_path / "study"))
    assert study.status == "finished"
    (told,) = study.extensions
    assert (told.before, told.after, told.trials) == (few, many, few)
    assert f"Extended from {few} to {many} trials at " in told.told


@pytest.mark.parametrize("kind", simulation.KINDS)
def test_what_was_found_stays(tmp_path: Path, kind: str) -> None:
    """A result that was published would be another one afterwards."""
    few, many = limits(kind)
    before = searched(str(tmp_path), kind, few)
    after = searched(str(tmp_path), kind, many)
    assert {trial_id: after[trial_id] for trial_id in before} == before


@pytest.mark.parametrize("kind", kinds("bayesian", "hyperband", "optuna"))
def test_an_extension_is_killed_at_every_commit(tmp_path: Path, kind: str) -> None:
    """A crash would lose a trial, repeat one, or leave a search that is not gone on with."""
    few, many = limits(kind)
    expected = searched(str(tmp_path / "whole"), kind, few, many)

    def search(directory: str) -> None:
        begun = Path(directory, "study.json").exists()
        if not begun or (load_study(directory).max_trials or 0) <= few:
            simulation.search(directory, kind, max_trials=few)
        simulation.search(directory, kind, max_trials=many)

    for point in ("study.create.before", "study.create.after", "journal.commit.after"):
        (tmp_path / point).mkdir()
        for directory in crashes.run_through(search, point, tmp_path / point):
            found = simulation.results(directory)
            assert list(found) == list(expected)
            for trial_id, (values, _) in found.items():
                assert same(values, expected[trial_id][0]), (point, trial_id)
            assert load_study(directory).status == "finished"


def test_an_exhausted_space_is_extended_once(tmp_path: Path) -> None:
    """Each run of a pipeline would open a search again that has no more points."""
    assert len(searched(str(tmp_path), "grid", 7)) == 7
    assert len(searched(str(tmp_path), "grid", 50)) == 8
    finished = load_study(str(tmp_path)).finished
    searched(str(tmp_path), "grid", 50, 20)
    study = load_study(str(tmp_path))
    assert (study.finished, len(study.extensions)) == (finished, 1)


def test_hyperband_comes_to_the_end_of_its_iteration(tmp_path: Path) -> None:
    """A search that was extended once, and is run without that, would never end."""
    simulation.search(str(tmp_path / "one"), "hyperband")
    one = len(simulation.results(str(tmp_path / "one")))
    directory = str(tmp_path / "study")
    assert not crashes.run(
        lambda: simulation.search(directory, "hyperband", max_trials=3 * one),
        f"trial.ended.after:{one + 2}",
    )
    simulation.search(directory, "hyperband")
    assert len(simulation.results(directory)) == 2 * one
