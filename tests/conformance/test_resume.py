"""Any search, killed at any point, ends as if nothing had happened."""

import collections
import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.support import crashes, paused_search, simulation
from tuner_component.search.journal.journal import Journal
from tuner_component.search.study.study import Study


def kinds(*slow: str) -> list[Any]:
    """All kinds of oracles, some of them for who has time."""
    return [
        pytest.param(kind, marks=[pytest.mark.slow] if kind in slow else [])
        for kind in simulation.KINDS
    ]


@pytest.fixture(name="expected", scope="module")
def _expected(tmp_path_factory):
    """Results of the search that nobody disturbed, by kind of oracle."""
    known = {}

    def expected(kind, **kwargs):
        key = (kind, *sorted(kwargs.items()))
        if key not in known:
            directory = str(tmp_path_factory.mktemp(kind))
            assert crashes.run(lambda: simulation.search(directory, kind, **kwargs))
            known[key] = simulation.results(directory)
        return known[key]

    return expected


def assert_each_ended_once(directory):
    with Study.open(directory, simulation.FINGERPRINT) as study:
        journal = Journal(f"{directory}/journal", study.id, read_only=True)
        ends = collections.Counter(
            record["trial"] for record in journal.records() if record["kind"] == "ended"
        )
    assert set(ends.values()) == {1}


@pytest.mark.parametrize("kind", kinds("bayesian", "hyperband", "optuna"))
@pytest.mark.parametrize("point", ["journal.commit.before", "journal.commit.after"])
def test_killed_once_at_every_commit(tmp_path: Path, expected, kind, point):
    """A crash at some transition would lose a trial, repeat one, or change the search."""
    killed = crashes.run_through(lambda d: simulation.search(d, kind), point, tmp_path)
    for directory in killed:
        assert simulation.results(directory) == expected(kind), directory
        assert_each_ended_once(directory)
    assert len(killed) > 9


@pytest.mark.parametrize(
    "point", ["journal.commit.before", "journal.commit.after", "trial.paused.before"]
)
def test_pauses_are_as_safe_as_ends(tmp_path: Path, point: str) -> None:
    """A paused trial would be lost, go on twice, or another one be promoted."""

    def search(directory: str) -> None:
        paused_search.search(Path(directory))

    whole = str(tmp_path / "whole")
    assert crashes.run(lambda: search(whole))
    expected = simulation.results(whole)
    killed = crashes.run_through(search, point, tmp_path)
    for directory in killed:
        assert simulation.results(directory) == expected, directory
        assert_each_ended_once(directory)
        told = simulation.read(directory)
        pauses = [a for t in told.trials.values() for a in t.attempts if "curves" in a]
        assert len(pauses) == 8 + 4 + 2
    assert len(killed) >= 8 + 4 + 2


@pytest.mark.parametrize("kind", kinds("bayesian"))
def test_killed_again_and_again(tmp_path: Path, expected, kind):
    """What one resume puts right, the next would spoil."""
    directory = str(tmp_path / "study")
    for crash in itertools.count(1):
        # Each run gets through three commits: it opens, and moves on by a trial or so.
        if crashes.run(
            lambda: simulation.search(directory, kind), "journal.commit.after:3"
        ):
            break
        assert crash < 100
    assert crash > 4
    assert simulation.results(directory) == expected(kind)
    assert_each_ended_once(directory)


def points(directory: str) -> list[str]:
    """The points of the search space that were tried, in no order."""
    found = simulation.results(directory).values()
    return sorted(repr(sorted(values.items())) for values, _ in found)


@pytest.mark.parametrize("discover", [False, True])
@pytest.mark.parametrize("kind", ["grid", "random"])
def test_killed_with_trials_in_flight(tmp_path: Path, kind: str, discover: bool):
    """A parallel search would try points twice, or leave some out."""

    def search(directory):
        simulation.search_in_parallel(directory, kind, discover=discover)

    whole = str(tmp_path / "whole")
    assert crashes.run(lambda: search(whole))
    killed = crashes.run_through(search, "journal.commit.after", tmp_path)
    for directory in killed:
        assert_each_ended_once(directory)
        found = points(directory)
        assert len(found) == len(set(found))
        if kind == "grid" or not discover:
            # What is drawn at random depends on when a hyperparameter is found.
            assert found == points(whole)
    assert len(killed) > 3


@pytest.mark.parametrize("workers", [2, 5])
def test_hyperband_killed_with_trials_in_flight(tmp_path: Path, workers: int):
    """A bracket would lose its place, and its best never be trained to the end."""

    def search(directory):
        simulation.search_in_parallel(directory, "hyperband", workers)

    def rungs(directory):
        found = simulation.results(directory).values()
        return sorted((v["tuner/epochs"], v["tuner/round"]) for v, _ in found)

    whole = str(tmp_path / "whole")
    assert crashes.run(lambda: search(whole))
    killed = crashes.run_through(search, "journal.commit.before", tmp_path)
    for directory in killed:
        assert_each_ended_once(directory)
        assert rungs(directory) == rungs(whole)
    assert len(killed) > 3


@pytest.mark.slow
@pytest.mark.parametrize("commit", [3, 5])
def test_bayesian_killed_with_trials_in_flight(tmp_path: Path, commit: int):
    """Its model would be asked, before it was fitted, about trials that still run."""
    directory = str(tmp_path)

    def search():
        simulation.search_in_parallel(directory, "bayesian")

    assert not crashes.run(search, f"journal.commit.after:{commit}")
    assert crashes.run(search)
    assert_each_ended_once(directory)
    found = points(directory)
    assert len(found) == len(set(found)) == 6


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_hyperparameters_found_on_the_way(tmp_path: Path, expected, kind):
    """A search space that grew before the crash would shrink after it."""
    killed = crashes.run_through(
        lambda d: simulation.search(d, kind, discover=True),
        "trial.ended.after",
        tmp_path,
    )
    for directory in killed:
        assert simulation.results(directory) == expected(kind, discover=True)
    assert len(killed) > 5
    values = [values for values, _ in expected(kind, discover=True).values()]
    assert {v.get("late") for v in values} >= {1, 2}
