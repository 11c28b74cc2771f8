"""The record of a study: complete, and the same after a journey through a file."""

import dataclasses
import json
import math
from typing import Any

import pytest

from tests.support import studies
from tests.support.reports import data_of
from tuner_component.report import folding, page
from tuner_component.report.asked import RequestRecord
from tuner_component.report.extension import ExtensionRecord
from tuner_component.report.record import (
    AttemptRecord,
    Objective,
    StopRecord,
    StudyRecord,
    TrialRecord,
)
from tuner_component.report.record_file import KIND, VERSION
from tuner_component.search.study.history import History

# One that maximizes: the larger score is the better one.
MAXIMIZED = [
    studies.ended(i, score, metrics={"metrics": metrics})
    for i, score, other in (("0", 0.25, 0.5), ("1", 0.75, 0.25))
    for metrics in [
        {
            "auc": {
                "direction": "max",
                "observations": [{"value": [score], "step": 1}],
            },
            "loss": {
                "direction": "min",
                "observations": [{"value": [other], "step": 1}],
            },
        }
    ]
]

TRACEBACK = """Traceback (most recent call last):
  File "user.py", line 1, in build
    raise ValueError("no such unit")
ValueError: no such unit
in two lines
The trial's log is /tmp/log.txt."""


def lived() -> StudyRecord:
    """A study in which everything happens once."""
    lost = {"kind": "attempt", "trial": "1", "worker": "worker-0", "time": 70.0}
    return studies.study(
        studies.created("0"),
        studies.ended("0", 0.5),
        studies.created("1", time=10.0),
        {**lost, "started": 10.0, "reason": "a worker killed by signal 9 (SIGKILL)"},
        {"kind": "began", "trial": "1", "worker": "worker-1", "time": 80.0},
        studies.ended("1", 0.25, worker="worker-1", started=80.0, ended=90.0),
        studies.created("2"),
        studies.failed("2", TRACEBACK),
        studies.created("3"),
        studies.ended("3", 0.9, stopped={"rule": "median", "fit": 0, "epoch": 1}),
        studies.created("4", time=100.0),
    )


def damaged(**fields: object) -> str:
    """The text of a record without a checksum, with other fields."""
    content = json.loads(lived().to_json())
    content.pop("sha256", None)
    return json.dumps({**content, **fields})


def damaged_trial(**fields: object) -> str:
    trial = json.loads(lived().to_json())["trials"][0]
    return damaged(trials=[{**trial, **fields}])


def nested(levels: int) -> object:
    value: object = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def test_a_trial_tells_all_that_happened_to_it() -> None:
    """People would have to read the journal to know what a trial did."""
    trial = lived().trials[0]
    assert (trial.status, trial.score, trial.best_step) == ("COMPLETED", 0.5, 1)
    assert trial.hyperparameters == {"units": 8, "rate": 0.01, "activation": "relu"}
    assert trial.metrics == {"val_loss": 0.5}
    assert trial.executions == [{"loss": [1.0, 0.8], "val_loss": [0.9, 0.5]}]
    assert (trial.worker, trial.seed, trial.duration_s) == ("worker-0", 3, 60.0)
    assert trial.epochs == 2


def test_every_attempt_is_told() -> None:
    """A trial that killed its first worker would look like any other."""
    reason = "a worker killed by signal 9 (SIGKILL)"
    assert lived().trials[1].attempts == [
        AttemptRecord("worker-0", 10.0, 70.0, "lost", reason),
        AttemptRecord("worker-1", 80.0, 90.0, "completed"),
    ]


def test_each_attempt_names_its_node() -> None:
    """People could not tell which machine loses attempts."""
    lost = {"kind": "attempt", "trial": "0", "worker": "worker-0@n1", "time": 70.0}
    began = {"kind": "began", "trial": "0", "worker": "worker-1@n2", "time": 80.0}
    first = [studies.created("0"), {**lost, "started": 10.0, "reason": "killed"}]
    last = studies.ended("0", worker="worker-2@n3")
    running, ended = (studies.study(*first, more) for more in (began, last))
    assert [a.node for a in running.trials[0].attempts] == ["n1", "n2"]
    assert [a.node for a in ended.trials[0].attempts] == ["n1", "n3"]
    assert StudyRecord.from_json(ended.to_json(), "file") == ended
    assert ended.to_frame()["node"].to_list() == ["n3"]
    assert {a.node for t in lived().trials for a in t.attempts} == {None}


def test_record_without_nodes_is_read() -> None:
    """What was published by an earlier release could not be looked at any more."""
    attempts = [{"worker": "w", "started": 1, "ended": 2, "outcome": "lost"}]
    text = damaged_trial(attempts=attempts)
    assert StudyRecord.from_json(text, "").trials[0].attempts[0].node is None


def test_a_running_trial_has_an_attempt_without_end() -> None:
    """The record would not show what a worker is doing."""
    trial = lived().trials[4]
    assert trial.status == "RUNNING"
    assert trial.attempts == [AttemptRecord("worker-0", 100.0, None, "running")]


def test_a_paused_trial_is_none_that_was_lost() -> None:
    """It would look like one that runs, or that came to nothing."""
    study = studies.study(studies.created("0"), studies.paused("0", epoch=8))
    [trial] = study.trials
    assert (trial.status, trial.epochs, trial.seed) == ("PAUSED", 9, 3)
    [attempt] = trial.attempts
    assert (attempt.outcome, attempt.ended) == ("paused", studies.BEGAN + 30)
    assert trial.stopped is None and study.completed == []
    assert StudyRecord.from_json(study.to_json(), "file") == study


def test_a_trial_that_ended_while_it_was_paused_has_no_more_attempts() -> None:
    """It would seem to have run once more, on no worker."""
    first = [studies.created("0"), studies.paused("0")]
    without = {"worker": None, "started": None}
    stopped = {"rule": "oracle", "fit": 0, "epoch": 2}
    let_go = studies.ended("0", 0.9, **without, stopped=stopped)
    [trial] = studies.study(*first, let_go).trials
    assert [a.outcome for a in trial.attempts] == ["paused"]
    # Tables of trials had nothing there.
    assert trial.started == trial.attempts[0].started == studies.BEGAN
    assert (trial.status, trial.worker) == ("COMPLETED", "worker-0")
    assert trial.duration_s == 30
    assert trial.stopped is not None and trial.stopped.rule == "oracle"
    began = {"kind": "began", "trial": "0", "worker": "worker-1", "time": 9e9}
    ended = studies.ended("0", worker="worker-1", started=9e9, ended=9e9 + 5)
    [trial] = studies.study(*first, began, ended).trials
    assert [a.outcome for a in trial.attempts] == ["paused", "completed"]
    assert trial.duration_s == 35  # Of both.


def test_a_trial_that_was_run_again_tells_what_it_had_failed_with() -> None:
    """The first error would be lost, or the trial count as one that never failed."""
    wanted = {"kind": "retried", "trial": "0", "time": 9e8, "reached": [1, 0, 0]}
    first = [studies.created("0"), studies.failed("0", "ValueError: 7"), wanted]
    [trial] = studies.study(*first).trials
    assert (trial.status, trial.retried, trial.message) == ("RUNNING", 1, None)
    assert (trial.started, trial.worker) == (None, None)
    ended = studies.ended("0", worker="worker-1", started=9e9, ended=9e9 + 5)
    study = studies.study(*first, ended, dict(wanted))
    [trial] = study.trials
    assert (trial.status, trial.retried) == ("COMPLETED", 1)  # The last is too late.
    told = [(a.worker, a.outcome, a.reason) for a in trial.attempts]
    assert told == [
        ("worker-0", "failed", "ValueError: 7"),
        ("worker-1", "completed", None),
    ]
    assert trial.duration_s == 5
    assert StudyRecord.from_json(study.to_json(), "file") == study


def test_an_extended_search_says_so() -> None:
    """Nobody could tell why a search has more trials than its tuner says."""
    again = {"kind": "opened", "time": 9e8}
    more = [{**again, "max_trials": number} for number in (3, 8, 8, 5, 9)]
    study = studies.study(studies.created("0"), *more)
    found = [(told.before, told.after, told.trials) for told in study.extensions]
    assert found[-2:] == [(3, 8, 1), (5, 9, 1)]
    assert study.extensions[-1].told.startswith("Extended from 5 to 9 trials at 1998-")
    assert study.extensions[-1].told in page.render(study)
    assert StudyRecord.from_json(study.to_json(), "file") == study


def test_an_interrupted_attempt_has_no_known_end() -> None:
    """A worker would seem to have worked until the search was resumed."""
    lost = {"kind": "attempt", "trial": "0", "worker": "w", "time": 9e9, "started": 5.0}
    study = studies.study(
        studies.created("0", time=5.0, worker="w"),
        {**lost, "reason": "the search was interrupted", "interrupted": True},
    )
    assert [(a.ended, a.outcome) for a in study.trials[0].attempts] == [(None, "lost")]


def test_failure_is_named_by_the_line_with_the_exception() -> None:
    """Failures could not be grouped by what went wrong."""
    trial = lived().trials[2]
    assert trial.cause == "ValueError: no such unit"
    assert trial.message == TRACEBACK


def test_stopped_trial_says_by_what_and_when() -> None:
    """A trial that was cut short would pass for one that got its full chance."""
    assert lived().trials[3].stopped == StopRecord("median", 0, 1)


@pytest.mark.parametrize(("direction", "best"), [("min", "1"), ("max", "3")])
def test_best_trial_follows_the_direction(direction: str, best: str) -> None:
    """The worst trial would be recommended."""
    objective = dataclasses.replace(lived().objective, direction=direction)  # type: ignore[type-var]
    found = dataclasses.replace(lived(), objective=objective).best
    assert found is not None and found.trial_id == best


def test_study_is_the_same_after_a_file() -> None:
    """What happened would change by being published."""
    before = lived()
    assert StudyRecord.from_json(before.to_json(), "file") == before


def test_file_is_json_that_others_can_read() -> None:
    """NaN is no JSON: the file would be refused by everything but Python."""
    curves = [{"val_loss": [math.nan, math.inf, None]}]
    text = studies.study(studies.ended("0", 0.5, curves=curves)).to_json()
    content = json.loads(text, parse_constant=pytest.fail)
    assert (content["kind"], content["version"]) == (KIND, VERSION)
    (first, second, third) = (
        StudyRecord.from_json(text, "").trials[0].executions[0]["val_loss"]
    )
    assert first is not None and math.isnan(first)
    assert (second, third) == (math.inf, None)


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("{", "truncated JSON"),
        ("[]", "`array` instead of `object`"),
        ("{}", "JSON of something else"),
        ("[" * 100_000, "nested too deeply"),
        (json.dumps({"kind": KIND, "version": 99}), "version 99; upgrade"),
        (json.dumps({"kind": KIND, "version": True}), "version True; upgrade"),
        (json.dumps({"kind": KIND, "version": VERSION}), "missing required field"),
        (damaged(seed="7"), r"`str` instead of `int | null` - at `\$.seed`"),
        (damaged(seed={"$float": "seven"}), "could not convert string to float"),
        (damaged(spaces={"s": [{"$set": [{}]}]}), "unhashable type"),
        (damaged(trials=None), r"`null` instead of `array` - at `\$.trials`"),
        (
            damaged(objective="s"),
            r"`str` instead of `object . null` - at `\$.objective`",
        ),
        (damaged(objective={"name": "s", "direction": "up"}), "Invalid enum value"),
        (damaged_trial(score="9"), r"`str` instead of .* - at `\$.trials\[0\].score`"),
        (
            damaged_trial(score={"$float": "nan"}),
            "score nan of the completed trial '0'",
        ),
        (damaged_trial(score=1e999), "score inf of the completed trial '0'"),
        (damaged_trial(attempts=[{}]), "missing required field `worker`"),
        (damaged_trial(hyperparameters=nested(65)), "nested deeper than 64 levels"),
    ],
)
def test_what_is_no_record_is_refused(text: str, received: str) -> None:
    """Rubbish would end in a bare stack trace."""
    with pytest.raises(
        ValueError, match=f"Expected /x to hold.*Received: .*{received}"
    ):
        StudyRecord.from_json(text, "/x")


def test_unknown_fields_are_read_over() -> None:
    """A later release could add nothing to the record without a new version."""
    more = {"of a later release": 1}
    attempts = [{"worker": "w", "started": 1, "ended": 2, "outcome": "lost", **more}]
    text = damaged_trial(**more, attempts=attempts, stopped={"rule": "r", **more})
    assert StudyRecord.from_json(text, "").trials[0].attempts[0].outcome == "lost"


def test_a_changed_record_is_refused() -> None:
    """A bit that flips on a disk would make another trial the best one."""
    text = lived().to_json()
    assert '"score": 0.25' in text
    with pytest.raises(ValueError, match="Received: one that was changed since"):
        StudyRecord.from_json(text.replace('"score": 0.25', '"score": 0.65'), "")


def test_the_checksum_is_over_what_the_record_says() -> None:
    """A record that a program wrote in another layout would be refused."""
    content = json.loads(lived().to_json())
    text = json.dumps(content, indent=1, sort_keys=True).replace("60.0,", "60,")
    assert text.encode() != lived().to_json().encode()
    assert StudyRecord.from_json(text, "") == lived()


def test_without_an_objective_no_trial_is_best() -> None:
    """Without its direction the worst trial would be recommended."""
    assert dataclasses.replace(lived(), objective=None).best is None


@pytest.mark.parametrize(("direction", "verb"), [("min", "lower"), ("max", "raise")])
def test_what_is_expected_of_going_on_is_a_sentence(direction: str, verb: str) -> None:
    """Nobody would know whether more trials would be worth it."""
    prospect = {"trials": 10, "gain": 0.00312, "noise": 0.002, "seconds": 341.0}
    told = {"kind": "prospect", **prospect}
    history = History.of([studies.opened(direction=direction), told])
    study = folding.study_record(history, studies.DESCRIPTION)
    assert study.outlook == (
        f"10 more trials are expected to {verb} val_loss by 0.0031 (noise: 0.002)."
    )
    again = StudyRecord.from_json(study.to_json(), "a file")
    assert again == study
    assert json.loads(study.to_json())["prospect"] == prospect


def test_why_a_search_ended_early_is_told() -> None:
    """A search with 43 of 100 trials would look like one that was interrupted."""
    ends = {"kind": "decided", "text": "Ended.", "time": 2.0, "ends": True}
    study = studies.study(studies.created("0"), ends)
    assert (study.ended_because, list(study.decisions)) == ("Ended.", [])
    assert data_of(page.render(study))["study"]["told"] == ["Ended."]


def test_frame_has_a_row_for_each_trial() -> None:
    """Analysing a study in a notebook would begin with writing a parser."""
    frame = lived().to_frame().set_index("trial_id")
    assert frame.loc["1", "hp.units"] == 8
    assert frame.loc["1", "metric.val_loss"] == 0.25
    assert frame.loc["1", "attempts"] == 2
    assert frame.loc["3", "stopped"] == "median"
    assert str(frame["started"].dtype) == "datetime64[ns, UTC]"


@pytest.mark.parametrize("odd", [1e300, -1e300, float("inf"), float("nan"), 2e11])
def test_times_that_no_calendar_has_cost_nothing(odd: float) -> None:
    """A table, a page or an export would end in an error of the calendar's."""
    trials = [
        studies.created("0", time=odd),
        studies.ended("0", started=odd, ended=odd),
    ]
    study = dataclasses.replace(
        studies.study(*trials),
        extensions=[ExtensionRecord(odd, 1, 2, 3)],
        requests=[RequestRecord("r", "workers", odd, workers=2)],
    )
    assert list(study.to_frame()["score"]) == [0.5]
    assert page.render(study)


def test_frame_of_a_study_without_trials_has_columns() -> None:
    """A notebook would fail on a search that has just started."""
    assert "score" in studies.study().to_frame().columns


@pytest.mark.parametrize(("last", "shown"), [(30, 30), (1, 2)])
def test_number_of_trials_is_that_in_force(last: int, shown: int) -> None:
    """A report would have 8 of 3 trials completed."""
    trials = [studies.created(i) for i in "01"]
    assert studies.study(studies.opened(max_trials=last), *trials).max_trials == shown


def without_beginning(*records: dict[str, Any]) -> StudyRecord:
    """The record of a study whose first records are lost."""
    return folding.study_record(History.of(records), studies.DESCRIPTION)


def test_results_tell_the_objective_if_the_beginning_is_lost() -> None:
    """The worst trial would be named the best one."""
    told = [{**record, "objective": ["auc", "max"]} for record in MAXIMIZED[:1]]
    study = without_beginning(*told, *MAXIMIZED[1:])
    assert study.objective == Objective("auc", "max")
    assert study.best is not None and study.best.trial_id == "1"


def test_objective_of_old_results_is_the_metric_that_is_their_score() -> None:
    """Of a study of an earlier release, the worst trial would be named the best one."""
    study = without_beginning(*MAXIMIZED)
    assert study.objective == Objective("auc", "max")
    assert study.best is not None and study.best.trial_id == "1"


def test_nothing_is_best_if_the_objective_is_not_known() -> None:
    """One of the trials would be named the best one by chance."""
    bare = [{**record, "metrics": {}} for record in MAXIMIZED]
    study = without_beginning(*bare)
    assert study.objective is None and study.best is None
    assert [trial.trial_id for trial in study.completed] == ["0", "1"]
    page.render(study)


def test_losses_are_in_the_record_and_in_the_report() -> None:
    """A published search would hide that something of it is missing."""
    history = History.of([studies.opened(), studies.ended("0")])
    history.losses, history.goes_on = ["Records 4 to 5 are lost."], True
    study = folding.study_record(history, studies.DESCRIPTION)
    assert study.status == "running"
    assert StudyRecord.from_json(study.to_json(), "x").losses == study.losses
    assert "Records 4 to 5 are lost." in page.render(study)


def test_training_that_goes_on_from_another_counts_its_own_epochs() -> None:
    """Of two phases of a training, the epochs of the first would count twice."""
    phases = [{"loss": [3.0, 2.0]}, {"loss": [None, None, 1.0]}]
    assert TrialRecord("0", "COMPLETED", {}, executions=phases).epochs == 3
