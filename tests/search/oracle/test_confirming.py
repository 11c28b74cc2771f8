"""The best trials of a search are run again, and the best mean wins."""

import math
import shutil
from pathlib import Path
from typing import Any

import keras_tuner
import pytest
from keras_tuner import oracles

from tests.support import crashes, damage, simulation
from tuner_component.oracles import AutoOracle
from tuner_component.report.loading import load_study
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.study.study import Study

# Trials of the search by their numbers, and their re-runs: the best is a lucky one.
SCORES = {"0": 0.5, "1": 0.1, "2": 0.3, "3": 0.2}
AGAIN = {"1": [0.6, 0.8], "3": [0.4, 0.4], "2": [0.3, 0.7]}


def random(trials: int = 4, **more: Any) -> Any:
    return oracles.RandomSearchOracle(
        objective=simulation.OBJECTIVE,
        max_trials=trials,
        hyperparameters=simulation.space(dimensions=1),
        seed=3,
        **more,
    )


def score(trial: Any) -> float | None:
    """What a trial comes to; None if it fails."""
    confirms = getattr(trial, "confirms", None)
    if confirms is None:
        return SCORES[trial.trial_id]
    return AGAIN[confirms][trial.rerun - 1]


def run(durable: Any, scored: Any = score, most: int = 99) -> list[str]:
    """Runs what is handed out; returns the ids."""
    ids: list[str] = []
    while len(ids) < most:
        trial = durable.create_trial("worker")
        if trial.status == "STOPPED":
            break
        ids.append(trial.trial_id)
        found = scored(trial)
        if found is None:
            simulation.fail(durable, trial)
        else:
            simulation.end(durable, trial, found)
    return ids


def best(durable: Any) -> list[str]:
    return [trial.trial_id for trial in durable.get_best_trials(None)]


def test_the_best_mean_wins(opened: simulation.Opened) -> None:
    """The winner's curse: the luckiest of all scores would be published."""
    durable = opened.wrap(random(), confirm_top=3, confirm_seeds=2)
    assert run(durable) == [
        *("0", "1", "2", "3"),
        *("10001", "10003", "10002"),
        *("20001", "20003", "20002"),
    ]
    assert best(durable) == ["3", "2", "1", "0"]
    assert [t.trial_id for t in durable.get_best_trials(1)] == ["3"]
    durable.finish()
    study = load_study(opened.directory)
    assert [t.trial_id for t in study.completed] == ["3", "2", "1", "0"]
    assert study.status == "finished"
    told = SearchResult.of(durable, opened.study, complete=True)
    assert [t["trial_id"] for t in told.completed] == ["3", "2", "1", "0"]
    assert [t["score"] for t in told.completed] == [0.2, 0.3, 0.1, 0.5]
    assert (told.failed, told.unfinished) == ([], 0)


def test_a_rerun_has_the_values_of_its_trial_and_another_id(
    opened: simulation.Opened,
) -> None:
    """Something else would be confirmed, or with the seed that is known."""
    durable = opened.wrap(random(), confirm_top=3, confirm_seeds=2)
    run(durable)
    for rerun in durable.reruns.values():
        trial = durable.get_trial(rerun.confirms)
        assert rerun.hyperparameters.values == trial.hyperparameters.values
    told = simulation.read(opened.directory).reruns
    assert {i: (t.confirms, t.rerun) for i, t in told.items()} == {
        f"{number}000{confirms}": (confirms, number)
        for confirms in AGAIN
        for number in (1, 2)
    }


def test_nothing_is_run_again_unless_it_is_asked_for(opened: simulation.Opened) -> None:
    """Searches would take longer than their users expect."""
    durable = opened.wrap(random())
    assert run(durable) == ["0", "1", "2", "3"]
    assert best(durable) == ["1", "3", "2", "0"]
    assert load_study(opened.directory).confirmation is None


def test_trials_that_run_are_waited_for(opened: simulation.Opened) -> None:
    """The ranking would not be final."""
    durable = opened.wrap(random(), confirm_top=1, confirm_seeds=1)
    running = [durable.create_trial(f"w{n}") for n in range(4)]
    for trial in running[:3]:
        simulation.end(durable, trial, score(trial) or 0.0)
        assert durable.create_trial("w0").status != "RUNNING"
    simulation.end(durable, running[3], 0.2)
    assert durable.create_trial("w0").trial_id == "10001"
    # All others wait: one may still be lost.
    assert durable.create_trial("w1").status == "IDLE"


def test_reruns_are_handed_out_side_by_side(opened: simulation.Opened) -> None:
    """Workers would be idle while one re-run follows the other."""
    durable = opened.wrap(random(), confirm_top=3, confirm_seeds=2)
    run(durable, most=4)
    given = [durable.create_trial(f"w{n}") for n in range(7)]
    assert len({trial.trial_id for trial in given[:6]}) == 6
    assert given[6].status == "IDLE"


def test_the_oracle_never_hears_of_reruns(opened: simulation.Opened) -> None:
    """An oracle with a model would take them for new points, and go elsewhere."""
    inner = random()
    durable = opened.wrap(inner, confirm_top=3, confirm_seeds=2)
    run(durable)
    assert list(inner.trials) == ["0", "1", "2", "3"]
    assert inner.end_order == ["0", "1", "2", "3"]
    assert not inner.ongoing_trials
    assert len(durable.trials) == 10


def test_a_rerun_that_fails_does_not_confirm(opened: simulation.Opened) -> None:
    """A trial would win by having fewer scores; its failures would end the search."""

    def scored(trial: Any) -> float | None:
        return None if getattr(trial, "confirms", "") == "3" else score(trial)

    durable = opened.wrap(random(), confirm_top=3, confirm_seeds=2, max_failed_trials=0)
    ids = run(durable, scored)
    assert "20003" not in ids
    assert best(durable) == ["2", "1", "3", "0"]
    durable.finish()
    study = load_study(opened.directory)
    assert [t.trial_id for t in study.completed] == best(durable)
    assert study.confirmation is not None
    assert [t.trial_id for t in study.confirmation.trials if t.failed] == ["3"]


def test_a_score_that_is_no_number_fails(opened: simulation.Opened) -> None:
    """NaN would be the mean of a trial, and sort anywhere."""

    def scored(trial: Any) -> float | None:
        return math.nan if trial.trial_id == "10003" else score(trial)

    durable = opened.wrap(random(), confirm_top=3, confirm_seeds=2)
    run(durable, scored)
    assert best(durable) == ["2", "1", "3", "0"]
    assert durable.get_trial("10003").status == "FAILED"


def test_a_rerun_is_retried_as_a_trial_is(opened: simulation.Opened) -> None:
    """The re-run of a trial that its oracle would repeat would fail at once."""
    durable = opened.wrap(
        random(max_retries_per_trial=1), confirm_top=1, confirm_seeds=1
    )
    run(durable, most=4)
    ids = []
    for _ in range(2):
        trial = durable.create_trial("worker")
        ids.append(trial.trial_id)
        trial.status, trial.message = "INVALID", "Traceback: boom"
        durable.end_trial(trial)
    assert ids == ["10001", "10001"]
    assert durable.get_trial("10001").status == "FAILED"
    assert durable.create_trial("worker").status == "STOPPED"


def test_a_lost_rerun_is_repeated_and_resumed(opened: simulation.Opened) -> None:
    """The death of a worker, or of the search, would leave a trial unconfirmed."""
    settings = {"confirm_top": 3, "confirm_seeds": 2}
    durable = opened.wrap(random(), **settings)
    run(durable, most=4)
    first = durable.create_trial("a").trial_id
    durable.attempt_lost(first, "its worker died")
    assert durable.create_trial("b").trial_id == first
    durable = opened.wrap(random(), **settings)
    assert [durable.create_trial(w).trial_id for w in "ab"] == ["10001", "10003"]
    assert durable.attempts_so_far()["10001"].attempts == 2


def test_reruns_are_counted_apart(opened: simulation.Opened) -> None:
    """KerasTuner's count of trials names the next: a resume would skip numbers."""
    durable = opened.wrap(random(), confirm_top=3, confirm_seeds=2)
    run(durable, most=7)
    told = simulation.read(opened.directory)
    assert (told.lost(), told.own_ids, len(told.trials)) == ([], False, 4)
    assert told.end_order == ["0", "1", "2", "3"]


def test_what_the_journal_tells_decides_without_the_option(
    opened: simulation.Opened,
) -> None:
    """The record, which knows no option, and what is published would name two trials."""
    run(opened.wrap(random(), confirm_top=3, confirm_seeds=2))
    durable = opened.wrap(random())
    assert run(durable) == []
    assert best(durable) == ["3", "2", "1", "0"]


def test_a_finished_study_is_confirmed_later(opened: simulation.Opened) -> None:
    """Who wants to be sure after all would have to search anew."""
    durable = opened.wrap(random())
    run(durable)
    durable.finish()
    opened.close()
    settings: dict[str, Any] = {"confirm_top": 3, "confirm_seeds": 2}
    with Study.open(opened.directory, simulation.FINGERPRINT, **settings) as study:
        opened.study = study
        durable = simulation.DurableOracle.open(random(trials=9), study, **settings)
        assert len(run(durable)) == 6  # And no trial more.
        durable.finish()
    found = load_study(opened.directory).best
    assert found is not None
    assert found.trial_id == "3"
    with Study.open(opened.directory, simulation.FINGERPRINT, **settings) as study:
        assert study.is_finished  # Nothing is left to do.
    more = {"confirm_top": 3, "confirm_seeds": 3}
    with Study.open(opened.directory, simulation.FINGERPRINT, **more) as study:
        assert not study.is_finished


def test_fewer_may_be_asked_for_later(opened: simulation.Opened) -> None:
    """What a user has thought better of would be run all the same."""
    run(opened.wrap(random(), confirm_top=3, confirm_seeds=9), most=5)
    durable = opened.wrap(random(), confirm_top=2, confirm_seeds=1)
    assert run(durable) == ["10003"]
    assert best(durable) == ["3", "1", "2", "0"]


def test_hyperband_trains_wholly_and_from_the_beginning(
    opened: simulation.Opened,
) -> None:
    """A re-run would go on from the lucky weights, or be trained for an epoch."""
    durable = opened("hyperband", confirm_top=3, confirm_seeds=1)
    while (trial := durable.create_trial("w")).status == "RUNNING":
        simulation.run_trial(durable, trial)
    values = [rerun.hyperparameters.values for rerun in durable.reruns.values()]
    assert len(values) == 3
    assert len({v["rate"] for v in values}) == 3  # No point twice.
    for one in values:
        assert "tuner/trial_id" not in one
        assert (one["tuner/initial_epoch"], one["tuner/epochs"]) == (0, 4)


def test_reruns_are_not_paused(opened: simulation.Opened) -> None:
    """The score of a training that was cut short would count."""
    auto = AutoOracle(
        objective=simulation.OBJECTIVE,
        max_trials=3,
        epochs=9,
        hyperparameters=simulation.space(dimensions=1),
        seed=3,
    )
    durable = opened.wrap(auto, confirm_top=1, confirm_seeds=2)
    run(durable, lambda trial: 0.1 * int(trial.trial_id), most=3)
    rerun = durable.create_trial("w")
    assert rerun.confirms == "0"
    for epoch in range(9):
        decision = durable.report_epoch(rerun.trial_id, 0, epoch, {"score": 9.0})
        assert decision is not None
        assert decision.value == "go on"
    simulation.end(durable, rerun, 9.0)
    assert "10000" not in auto._values.curves


def test_ids_of_the_users_own(opened: simulation.Opened) -> None:
    """An id that stands for a re-run would be one of a trial, too."""

    class Named(simulation.CountingOracle):
        def create_trial(self, tuner_id: str) -> Any:
            trial = super().create_trial(tuner_id)
            if trial.status == "RUNNING":
                self.start_order[-1] = name = ("a/b", "a/b-rerun-1")[
                    len(self.trials) - 1
                ]
                self.trials[name] = self.trials.pop(trial.trial_id)
                trial.trial_id = name
            return trial

    inner = Named(objective=simulation.OBJECTIVE, max_trials=2)
    durable = opened.wrap(inner, confirm_top=1, confirm_seeds=2)
    ids = run(durable, lambda trial: float(trial.trial_id != "a/b"))
    assert ids == ["a/b", "a/b-rerun-1", "a/b-rerun-10", "a/b-rerun-2"]


@pytest.mark.parametrize("kind", ["random", "grid", "counting", "auto"])
@pytest.mark.parametrize("point", ["journal.commit.before", "journal.commit.after"])
def test_killed_once_at_every_commit(tmp_path: Path, kind: str, point: str) -> None:
    """A crash would lose a re-run, repeat one, or publish another trial."""

    def search(directory: str) -> None:
        simulation.search(directory, kind, confirm_top=2, confirm_seeds=2)

    whole = str(tmp_path / "whole")
    assert crashes.run(lambda: search(whole))
    expected = [rerun.values for rerun in simulation.history(whole).reruns.values()]
    assert len(expected) == 4
    killed = crashes.run_through(search, point, tmp_path)
    for directory in killed:
        told = simulation.history(directory)
        assert [rerun.values for rerun in told.reruns.values()] == expected
        assert simulation.results(directory) == simulation.results(whole), directory
        assert load_study(directory).best == load_study(directory).completed[0]


def test_an_oracle_with_a_score_of_its_own(opened: simulation.Opened) -> None:
    """Re-runs would be measured by something else than trials."""

    class Squared(oracles.RandomSearchOracle):  # type: ignore[misc]
        def score_trial(self, trial: Any) -> None:
            super().score_trial(trial)
            trial.score = trial.score**2

    inner = Squared(
        objective=keras_tuner.Objective("score", "min"),
        max_trials=4,
        hyperparameters=simulation.space(dimensions=1),
        seed=3,
    )
    durable = opened.wrap(inner, confirm_top=1, confirm_seeds=1)
    run(durable)
    assert durable.get_trial("10001").score == pytest.approx(0.36)


@pytest.mark.parametrize(
    "point",
    [
        *("journal.commit.before", "journal.commit.after", "trial.created.before"),
        *("trial.ended.after", "study.create.before", "study.create.after"),
        *("study.finish.before", "study.finish.after"),
    ],
)
def test_killed_while_a_finished_study_is_opened_again(
    tmp_path: Path, point: str
) -> None:
    """A study would stay half open, or another search come out of it."""
    whole = tmp_path / "whole"

    def search(directory: str) -> None:
        simulation.search(directory, "random")
        settings: dict[str, Any] = {"confirm_top": 2, "confirm_seeds": 2}
        with Study.open(directory, simulation.FINGERPRINT, **settings) as study:
            durable = simulation.DurableOracle.open(
                simulation.oracle("random"), study, **settings
            )
            while (trial := durable.create_trial("w")).status == "RUNNING":
                simulation.run_trial(durable, trial)
            if not study.is_finished:
                durable.finish()

    assert crashes.run(lambda: search(str(whole)))
    expected = simulation.read(str(whole))
    for directory in crashes.run_through(search, point, tmp_path):
        told = simulation.read(directory)
        assert not told.losses
        assert list(told.trials) == list(expected.trials)
        assert [(r.trial_id, r.values) for r in told.reruns.values()] == [
            (r.trial_id, r.values) for r in expected.reruns.values()
        ]
        assert told.plan == expected.plan
        assert load_study(directory).status == "finished"


def test_any_record_may_be_lost(tmp_path: Path) -> None:
    """A damaged journal would end in a traceback, or in another best without a word."""
    whole = tmp_path / "whole"
    settings: dict[str, Any] = {"confirm_top": 2, "confirm_seeds": 2}
    assert crashes.run(lambda: simulation.search(str(whole), "random", **settings))
    best = load_study(whole).completed[0].trial_id
    count = len(damage.commits(damage.segment_of(whole)))
    assert count > 20
    for number in range(count):
        directory = tmp_path / str(number)
        shutil.copytree(whole, directory)
        damage.lose_commits(damage.segment_of(directory), range(number, number + 1))
        assert load_study(directory).losses, number
        with Study.open(str(directory), simulation.FINGERPRINT, **settings) as study:
            durable = simulation.DurableOracle.open(
                simulation.oracle("random"), study, **settings
            )
            while (trial := durable.create_trial("w")).status == "RUNNING":
                simulation.run_trial(durable, trial)
            durable.finish()
            found = durable.get_best_trials()[0]
        study_record = load_study(directory)
        assert study_record.status == "finished"
        assert study_record.best is not None
        assert study_record.best.trial_id == found.trial_id == best, number
        assert study_record.confirmation is not None
        assert [t.seeds for t in study_record.confirmation.trials] == [2, 2], number
        assert len(study_record.trials) == 8
