"""A journal's records fold into what happened, even if some are lost."""

from typing import Any

import pytest

from tuner_component.search.study.history import History, expected_trials, node_of


def created(trial_id: str, **more: Any) -> dict[str, Any]:
    values = {"x": 1}
    record = {"kind": "created", "trial": trial_id, "time": 1.5, "space": "s"}
    return {**record, "values": values, **more}


def ended(trial_id: str, **more: Any) -> dict[str, Any]:
    record = {"kind": "ended", "trial": trial_id, "space": "s", "values": {"x": 2}}
    return {**record, "status": "COMPLETED", "score": 1.0, **more}


def state(version: int, **content: Any) -> dict[str, Any]:
    return {"kind": "attempt", "trial": "0", "state": {"version": version, **content}}


def test_search_goes_on_to_the_trials_it_was_last_opened_for() -> None:
    """A report would count trials of a limit that is not in force."""
    opened = [{"kind": "opened", "max_trials": n, "seed": n} for n in (3, 5)]
    history = History.of(opened)
    assert history.max_trials == 5
    assert history.opened is not None and history.opened["seed"] == 3


@pytest.mark.parametrize(
    ("max_trials", "known", "expected"),
    [(9, 3, 9), (3, 8, 8), (None, 8, None), (0, 8, None)],
)
def test_there_are_never_more_trials_than_expected(
    max_trials: int | None, known: int, expected: int | None
) -> None:
    """8 of 3 trials would complete where an oracle says less than it did."""
    assert expected_trials(max_trials, known) == expected


@pytest.mark.parametrize(
    ("worker", "node"),
    [
        ("worker-3@10.0.0.7", "10.0.0.7"),
        ("worker-12@fd00::7", "fd00::7"),
        *((worker, None) for worker in ("worker-3", "worker-3@", "", None, 7)),
    ],
)
def test_id_of_a_worker_tells_its_node(worker: Any, node: str | None) -> None:
    """People could not tell which machine loses attempts, or is slow."""
    assert node_of(worker) == node


def test_life_of_a_trial() -> None:
    """A report would tell another story than what happened."""
    attempt = {"kind": "attempt", "trial": "0", "reason": "killed by signal 9"}
    history = History.of([created("0"), attempt, created("1"), ended("0")])
    trial = history.trials["0"]
    assert trial.created == 1.5
    assert [a["reason"] for a in trial.attempts] == ["killed by signal 9"]
    assert trial.ended is not None
    assert trial.ended["score"] == 1.0
    assert trial.values == {"x": 2}
    assert history.unfinished() == ["1"]
    assert history.end_order == ["0"]


def test_latest_attempt_tells_who_runs_a_trial() -> None:
    """Nobody could say what a worker is doing, nor since when."""
    again = {"kind": "began", "trial": "0", "worker": "w1", "time": 2.5}
    history = History.of([created("0", worker="w0"), created("1"), again])
    trial, other = history.trials["0"], history.trials["1"]
    assert (trial.created, trial.started, trial.worker) == (1.5, 2.5, "w1")
    assert (other.created, other.started, other.worker) == (1.5, None, None)


def paused(trial_id: str, time: float) -> dict[str, Any]:
    stopped = {"rule": "oracle", "fit": 0, "epoch": 2}
    told = {"kind": "paused", "trial": trial_id, "started": 1.5, "time": time}
    return {**told, "curves": [], "stopped": stopped}


def test_paused_trials_are_known_and_have_not_ended() -> None:
    """They would be trained again, or be lost with an interrupted search."""
    records = [created(i, worker="w") for i in "012"]
    history = History.of([*records, paused("1", 9.0), paused("0", 8.0)])
    assert history.paused() == ["0", "1"]
    assert history.unfinished() == ["0", "1", "2"]
    assert history.trials["2"].pause is None and history.trials["2"].runs
    pause = history.trials["1"].pause
    assert pause is not None and pause["stopped"]["epoch"] == 2


def test_a_trial_that_goes_on_is_not_paused() -> None:
    """It would be handed out to a second worker."""
    again = {"kind": "began", "trial": "0", "worker": "w1", "time": 9.0}
    lost = {"kind": "attempt", "trial": "0", "reason": "killed", "started": 9.0}
    records = [created("0", worker="w"), paused("0", 8.0), again]
    for more in ([], [lost]):
        trial = History.of([*records, *more]).trials["0"]
        assert trial.pause is None
        assert trial.last_pause is not None
    assert History.of([*records, paused("0", 10.0), ended("0")]).paused() == []


def test_end_alone_tells_a_trial() -> None:
    """A result would be lost with the record of how its trial began."""
    history = History.of([created("1"), ended("0")])
    assert history.trials["0"].ended is not None
    assert history.trials["0"].created is None
    assert history.unfinished() == ["1"]


def test_trial_ends_once() -> None:
    """A result would count twice."""
    history = History.of([created("0"), ended("0"), ended("0")])
    assert history.end_order == ["0"]


def test_lost_trials_are_seen_by_their_numbers() -> None:
    """The next trial would get the id of one that is there."""
    assert History.of([created("00"), created("03")]).lost() == ["01", "02"]
    assert History.of([created("0"), created("1")]).lost() == []
    assert History.of([created("a"), created("3")]).lost() == []
    assert History().lost() == []


@pytest.mark.parametrize("trial_id", ["1700000000", "9" * 60, "9" * 6000, "\u0663"])
def test_numbers_that_count_no_trials_are_no_gap(trial_id: str) -> None:
    """A resume would fill the memory with trials that never were: ids may be times."""
    assert History.of([created("0"), created(trial_id)]).lost() == []


def test_an_oracle_that_names_its_trials_itself_has_no_gaps() -> None:
    """A service that counts from 1 would get a failed trial 0 that never was."""
    assert History.of([created("1", own_id=True), created("2")]).lost() == []


def test_an_end_counts_until_the_search_goes_on() -> None:
    """A search that goes on would be told to have ended."""
    ends = {"kind": "decided", "text": "Ended.", "time": 2.0, "ends": True}
    why = {"kind": "decided", "text": "By chance.", "time": 1.0}
    history = History.of([why, created("0"), ended("0"), ends, {"kind": "opened"}])
    assert (history.decisions, history.ended_because) == (["By chance."], "Ended.")
    goes_on = History.of([why, created("0"), ended("0"), ends, created("1")])
    assert (goes_on.decisions, goes_on.ended_because) == (["By chance."], None)


def test_the_last_prospect_counts() -> None:
    """The report would tell what was expected when the search began."""
    told = [{"kind": "prospect", "trials": 10, "gain": g, "noise": 0.5} for g in (3, 1)]
    prospect = History.of(told).prospect
    assert prospect == {"trials": 10, "gain": 1, "noise": 0.5, "seconds": None}


def test_state_is_patched() -> None:
    """An oracle would come back as it was at the beginning."""
    records = [
        state(1, full={"n": 1}),
        state(2, patch={"in": [["n", {"set": 2}]]}),
        state(3, patch={"in": [["m", {"set": 0}]]}),
    ]
    history = History.of(records)
    assert history.state == {"n": 2, "m": 0}
    assert history.version == 3


def test_patch_on_a_lost_state_is_not_applied() -> None:
    """An oracle would get a state that never was."""
    records = [
        state(1, full={"n": 1}),
        state(3, patch={"in": [["n", {"set": 3}]]}),
        state(4, patch={"drop": ["m"]}),
    ]
    assert History.of(records).state == {"n": 1}
    healed = History.of([*records, state(9, full={"n": 9})])
    assert (healed.state, healed.version) == ({"n": 9}, 9)


def test_unknown_kind_of_record_is_passed_over() -> None:
    """A record that only a report needs would block the search."""
    assert History.of([{"kind": "remark"}, {}]).is_empty()
