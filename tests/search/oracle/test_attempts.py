"""Attempts count in all runs of a search, and a trial that ends them all is found."""

from typing import Any

import pytest

from tests.support import simulation
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.storage import arrays
from tuner_component.search.training import checkpoint_files

LIMIT = 1


@pytest.fixture(name="search")
def _search(opened: simulation.Opened) -> "Runs":
    """A search of which run after run dies."""
    return Runs(opened)


class Runs:
    """Runs a search again and again, with two workers."""

    def __init__(self, opened: simulation.Opened) -> None:
        self.opened = opened
        self.attempts: list[str] = []

    def open(self) -> Any:
        """The next run; the one before has died if it was not closed."""
        durable = self.opened("random", max_retries=LIMIT)
        for trial_id, why in durable.given_up().items():
            durable.fail_trial(trial_id, why)
        return durable

    def start(self, durable: Any, worker: str) -> Any:
        """A worker asks for a trial."""
        trial = durable.create_trial(worker)
        if trial.status == "RUNNING":
            self.attempts.append(trial.trial_id)
        return trial

    def save(self, trial_id: str, epoch: int | None, fit: int = 0) -> None:
        """The training of a trial is saved after an epoch; after the last one if None."""
        directory = checkpoint_files.directory_of(self.opened.directory, trial_id)
        states = checkpoint_files.CheckpointFiles(directory)
        states.write(fit, arrays.encode({"epoch": epoch}))

    def finish(self, durable: Any) -> None:
        """One worker runs all that is left."""
        while (trial := self.start(durable, "z")).status == "RUNNING":
            simulation.run_trial(durable, trial)
        assert trial.status == "STOPPED"


def test_a_trial_that_ends_every_search_fails_after_its_last_chance(
    search: Runs,
) -> None:
    """It would be attempted at every run, for ever, and no search would ever end."""
    for _ in range(LIMIT + 1):
        durable = search.open()
        search.start(durable, "a")
        search.start(durable, "b")
    durable = search.open()
    # Both are under suspicion: all others come first.
    for _ in range(6):
        simulation.run_trial(durable, search.start(durable, "a"))
    assert search.start(durable, "a").trial_id == "0"
    # Nothing runs beside it.
    assert search.start(durable, "b").status == "IDLE"
    durable = search.open()
    failed = durable.get_trial("0")
    assert failed.status == "FAILED"
    assert "3 attempts that ended with the whole search" in failed.message
    assert "in the last one, no other trial ran" in failed.message
    search.finish(durable)
    durable.finish()
    assert durable.get_trial("1").status == "COMPLETED"
    assert search.attempts.count("0") == LIMIT + 2
    told = simulation.read(search.opened.directory).trials["0"].ended
    assert told is not None and told["attempts"] == LIMIT + 2


def test_a_suspect_waits_for_those_that_run(search: Runs) -> None:
    """The trial beside it would be killed for its sake once more."""
    for _ in range(LIMIT + 1):
        search.start(search.open(), "a")
    durable = search.open()
    running = [search.start(durable, worker) for worker in "ab"]
    assert [trial.trial_id for trial in running] == ["1", "2"]
    durable.max_trials = 3
    simulation.run_trial(durable, running[0])
    assert search.start(durable, "a").status == "STOPPED"  # Trial 2 runs.
    simulation.run_trial(durable, running[1])
    assert search.start(durable, "a").trial_id == "0"


def test_a_search_that_is_asked_to_stop_excuses_its_trials(search: Runs) -> None:
    """A search that is stopped every evening would fail the trials that ran then."""
    for _ in range(LIMIT + 3):
        durable = search.open()
        search.start(durable, "a")
        durable.excuse()
    durable = search.open()
    assert search.start(durable, "a").trial_id == "0"
    told = simulation.read(search.opened.directory).trials["0"]
    assert [a["excused"] for a in told.attempts] == [True] * (LIMIT + 3)
    assert told.attempts[0]["reason"] == "the search was asked to stop"


def test_an_excuse_holds_for_one_attempt(search: Runs) -> None:
    """A trial that once ran when the search was stopped would be attempted for ever."""
    durable = search.open()
    search.start(durable, "a")
    durable.excuse(["0"])
    for _ in range(LIMIT + 1):
        search.start(search.open(), "a")
    assert search.open().create_trial("a").trial_id == "1"


def test_a_last_chance_that_is_cut_short_is_given_again(search: Runs) -> None:
    """A stop in the wrong moment would fail a trial that never had its chance."""
    for _ in range(LIMIT + 1):
        search.start(search.open(), "a")
    durable = search.open()
    durable.max_trials = 1
    assert search.start(durable, "a").trial_id == "0"
    durable.excuse()
    durable = search.open()
    durable.max_trials = 1
    assert durable.given_up() == {}
    search.finish(durable)
    assert durable.get_trial("0").status == "COMPLETED"


def test_a_trial_that_advances_each_time_the_search_dies_completes(
    search: Runs,
) -> None:
    """A long trial would be failed on machines that are taken away every hour."""
    for epoch in range(LIMIT + 4):
        search.start(search.open(), "a")
        search.save("0", epoch)
    durable = search.open()
    assert durable.attempts_so_far()["0"].interrupted == 0
    search.finish(durable)
    assert durable.get_trial("0").status == "COMPLETED"


def test_a_trial_that_dies_at_the_same_epoch_each_time_fails(search: Runs) -> None:
    """What it saved before would keep it alive for ever."""
    for run in range(LIMIT + 3):
        durable = search.open()
        durable.max_trials = 1
        assert search.start(durable, "a").trial_id == "0", run
        search.save("0", 2)
    durable = search.open()
    failed = durable.get_trial("0")
    assert failed.status == "FAILED"
    # The first one got further than none.
    assert f"{LIMIT + 2} attempts" in failed.message
    assert "saved no epoch more than those before" in failed.message


def test_a_trial_that_advances_in_its_last_chance_is_cleared(search: Runs) -> None:
    """A trial that was slow to begin would be failed while it gets on."""
    for _ in range(LIMIT + 1):
        search.start(search.open(), "a")
    durable = search.open()
    durable.max_trials = 1
    assert search.start(durable, "a").trial_id == "0"
    assert search.start(durable, "b").status == "IDLE"
    search.save("0", 0)
    for _ in range(LIMIT + 1):  # No more of them than a trial may lose.
        durable = search.open()
        durable.max_trials = 1
        assert search.start(durable, "a").trial_id == "0"
    durable = search.open()
    durable.max_trials = 1
    search.finish(durable)
    assert durable.get_trial("0").status == "COMPLETED"


def test_no_attempt_is_credited_with_what_others_reached(search: Runs) -> None:
    """Each way to end an attempt would give a poisonous trial one more."""
    durable = search.open()
    search.start(durable, "a")
    search.save("0", 4)
    durable.attempt_lost("0", "killed")
    search.start(durable, "a")
    search.save("0", 5)
    durable.excuse()
    durable = search.open()
    search.start(durable, "a")  # Dies where the one before was asked to stop.
    durable = search.open()
    expected = Tries(attempts=3, lost=1, interrupted=1, reached=(0, 0, 6))
    assert durable.attempts_so_far() == {"0": expected}
    durable.max_trials = 1
    assert search.start(durable, "a").trial_id == "0"
    search.save("0", 3)  # It began anew.
    assert search.open().get_trial("0").status == "FAILED"


def test_workers_that_died_in_earlier_runs_count(search: Runs) -> None:
    """Each run would try a trial that kills its workers from the beginning."""
    durable = search.open()
    search.start(durable, "a")
    durable.attempt_lost("0", "killed")
    durable = search.open()
    assert durable.attempts_so_far() == {"0": Tries(attempts=1, lost=1)}


def test_what_an_earlier_version_wrote_of_attempts_counts() -> None:
    """A study that such a trial has held up for days would begin to count anew."""
    interrupted = {"reason": "the search was interrupted", "interrupted": True}
    tries = Tries.of([{"reason": "killed"}, interrupted, {"failed": True}])
    assert tries == Tries(attempts=3, lost=1, interrupted=1)


def test_more_retries_give_a_trial_more_attempts(search: Runs) -> None:
    """Whoever has found more memory could not give a trial another chance."""
    for _ in range(LIMIT + 1):
        search.start(search.open(), "a")
    durable = search.opened("random", max_retries=LIMIT + 1)
    assert durable.create_trial("a").trial_id == "0"
