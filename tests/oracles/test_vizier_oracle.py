"""Searches with Vizier: what the service hears, and what becomes of a search without it.

Vertex AI Vizier has a stand-in here; Google's client is real.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import keras_tuner
import pytest
from google.cloud.aiplatform_v1 import types as v1

from tests.support import crashes, limits, simulation, vertex_keys
from tests.support.vertex import PROJECT, REGION, Refused, Vertex, serving
from tuner_component.oracles import VizierOracle, VizierSearch, vizier_oracle
from tuner_component.search.errors import SearchError
from tuner_component.search.options import Known, RetryOptions, StoppingOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.warm_start import start_from
from tuner_component.search.stopping.curves import LearningCurves
from tuner_component.search.study import requests
from tuner_component.search.study.study import Study
from tuner_component.vizier import conversation, vertex
from tuner_component.vizier.service import ServiceError

_State = v1.Trial.State
SECRET = "very-secret-41b7"


@pytest.fixture(name="server", autouse=True)
def _server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vertex]:
    monkeypatch.setattr(conversation, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(conversation, "_LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(vizier_oracle, "_WAIT_S", limits.WAIT_S)
    with serving() as server:
        yield server


def oracle(trials: int = 6, space: Any = None, **kwargs: Any) -> VizierOracle:
    return VizierOracle(
        simulation.OBJECTIVE,
        trials,
        PROJECT,
        REGION,
        hyperparameters=space or simulation.space(dimensions=3),
        seed=3,
        **kwargs,
    )


class Search:
    """A search whose trials do what a test says."""

    def __init__(
        self, directory: Path, made: Any = None, rule: Any = None, **kwargs: Any
    ) -> None:
        self.oracle = made or oracle(**kwargs)
        self.study = Study.open(str(directory), simulation.FINGERPRINT, seed=1)
        epochs = LearningCurves.of(rule, self.oracle)
        self.durable: Any = DurableOracle.open(self.oracle, self.study, epochs=epochs)

    def __enter__(self) -> Search:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.study.close()
        # As if the process had ended: it says nothing any more.
        if self.oracle._conversation is not None:
            self.oracle._conversation.close()

    def create(self, worker: str = "w") -> Any:
        return self.durable.create_trial(worker)

    def end(self, trial: Any, score: float | None = None) -> None:
        found = simulation.objective(trial.hyperparameters.values)
        simulation.end(self.durable, trial, found if score is None else score)

    def run(self) -> int:
        """Runs all trials that there are; returns their number."""
        count = 0
        while (trial := self.create()).status == "RUNNING":
            self.end(trial)
            count += 1
        assert trial.status == "STOPPED"
        self.durable.finish()
        return count


def states(server: Vertex) -> Counter[str]:
    return Counter(_State(trial.state).name for trial in server.vizier.all_trials())


def agrees(server: Vertex, directory: str) -> None:
    """The service's trials are those of the journal: none twice, none left open."""
    journal = sorted(
        score if score is None else round(score, 9)
        for _, score in simulation.results(directory).values()
    )
    told = sorted(
        round(trial.final_measurement.metrics[0].value, 9)
        for trial in server.vizier.all_trials()
    )
    assert told == journal
    assert set(states(server)) == {"SUCCEEDED"}


def test_the_service_hears_of_epochs_results_and_failures(
    tmp_path: Path, server: Vertex
) -> None:
    """Its model would learn from nothing, or take a failed trial for a running one."""
    with Search(tmp_path, trials=2) as search:
        good = search.create()
        for epoch in range(3):
            metrics = {"score": 3.0 - epoch, "loss": 9.0}
            search.durable.report_epoch(good.trial_id, 0, epoch, metrics)
        search.durable.report_epoch(good.trial_id, 1, 0, {"score": 7.0})
        search.durable.report_epoch(good.trial_id, 0, 1, {"score": 8.0})  # Again.
        search.end(good, 1.0)
        simulation.fail(search.durable, search.create(), "Traceback:\nOSError: full")
        assert search.create().status == "STOPPED"
        search.durable.finish()
    first, second = server.vizier.all_trials()
    told = [(m.step_count, m.metrics[0].value) for m in first.measurements]
    assert told == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert first.final_measurement.metrics[0].value == 1.0
    assert second.infeasible_reason == "OSError: full"
    assert states(server) == {"SUCCEEDED": 1, "INFEASIBLE": 1}


def test_the_study_is_the_search_space(tmp_path: Path, server: Vertex) -> None:
    """The service would search elsewhere, or for the worst."""
    with Search(tmp_path, trials=1) as search:
        search.run()
    (study,) = server.vizier.studies.values()
    rate, kind = study.study_spec.parameters
    assert (rate.parameter_id, kind.parameter_id) == ("rate", "kind")
    assert kind.conditional_parameter_specs[0].parameter_spec.parameter_id == "layers"
    assert study.study_spec.metrics[0].goal == 2  # MINIMIZE
    assert study.study_spec.algorithm == 0


def test_suggestions_that_take_long(
    tmp_path: Path, server: Vertex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that has finished could not hand in its result meanwhile."""
    hold = threading.Event()

    def before(method: str, request: Any) -> None:
        if method == "SuggestTrials" and len(server.vizier.all_trials()) == 1:
            assert hold.wait(limits.WAIT_S)

    server.before = before
    with Search(tmp_path, trials=2) as search:
        first = search.create("a")
        monkeypatch.setattr(vizier_oracle, "_WAIT_S", 0.01)
        assert search.create("b").status == "IDLE"
        search.end(first)
        hold.set()
        monkeypatch.setattr(vizier_oracle, "_WAIT_S", limits.WAIT_S)
        assert search.run() == 1
    assert states(server) == {"SUCCEEDED": 2}


def test_trials_go_on_without_the_service(
    tmp_path: Path, server: Vertex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network that fails for a minute would cost hours of training."""
    with Search(tmp_path, trials=4) as search:
        running = [search.create(worker) for worker in "ab"]
        server.stop()
        search.durable.report_epoch(running[0].trial_id, 0, 0, {"score": 2.0})
        search.end(running[0])
        monkeypatch.setattr(vizier_oracle, "_WAIT_S", 0.05)
        assert search.create("c").status == "IDLE"
        search.end(running[1])
        server.start()
        monkeypatch.setattr(vizier_oracle, "_WAIT_S", limits.WAIT_S)
        assert search.run() == 2
    agrees(server, str(tmp_path))


def test_a_lost_service_ends_the_search_clearly(
    tmp_path: Path, server: Vertex, caplog: pytest.LogCaptureFixture
) -> None:
    """A search would wait for ever, or end without saying how to go on."""
    with Search(tmp_path, trials=3, give_up_after_s=0.2) as search:
        trial = search.create()
        server.stop()
        search.end(trial)
        with pytest.raises(ServiceError, match="run the same search again"):
            search.create()
    assert "trials that run go on" in caplog.text
    server.start()
    with Search(tmp_path, trials=3) as search:
        assert search.run() == 2
    agrees(server, str(tmp_path))


@pytest.mark.parametrize(
    "method",
    [
        *("CreateStudy", "SuggestTrials", "ListTrials"),
        *("AddTrialMeasurement", "CompleteTrial", "CreateTrial"),
    ],
)
@pytest.mark.parametrize("code", ["UNAVAILABLE", "DEADLINE_EXCEEDED"])
def test_what_was_done_and_not_answered_is_done_once(
    tmp_path: Path, server: Vertex, method: str, code: str
) -> None:
    """A trial would be suggested twice and never run, or a result be counted twice."""
    lost: list[str] = []

    def lose(called: str, request: Any) -> None:
        if called == method and len(lost) < 2:
            lost.append(called)
            raise Refused(grpc.StatusCode[code])

    server.after = lose
    made = oracle(trials=4)
    start_from(made, Known(points=({"rate": 0.01, "kind": "flat"},)))
    with Search(tmp_path, made) as search:
        first = search.create()
        assert first.hyperparameters.values == {"rate": 0.01, "kind": "flat"}
        search.end(first)
        second = search.create()
        search.durable.report_epoch(second.trial_id, 0, 0, {"score": 5.0})
        search.end(second)
        assert search.run() == 2
    assert lost
    agrees(server, str(tmp_path))


def test_points_that_were_tried_are_not_tried_again(
    tmp_path: Path, server: Vertex
) -> None:
    """A space of eight points would be searched for ever, or trials be left open."""
    lost: list[str] = []

    def lose(called: str, request: Any) -> None:
        if called in ("DeleteTrial", "CreateTrial") and called not in lost:
            lost.append(called)
            raise Refused(grpc.StatusCode.UNAVAILABLE)

    server.after = lose
    with Search(tmp_path, oracle(50, simulation.grid_space())) as search:
        assert search.run() == 8
    assert sorted(lost) == ["CreateTrial", "DeleteTrial"]
    agrees(server, str(tmp_path))


def test_a_result_that_is_refused_is_not_passed_over(
    tmp_path: Path, server: Vertex
) -> None:
    """A finished search would leave trials open at the service, and nobody know."""

    def refuse(method: str, request: Any) -> None:
        if method == "CompleteTrial":
            raise Refused(grpc.StatusCode.PERMISSION_DENIED, "no more")

    server.before = refuse
    with Search(tmp_path, trials=1) as search:
        search.end(search.create())
        assert search.create().status == "STOPPED"
        with pytest.raises(ServiceError, match="no more"):
            search.durable.finish()
    server.before = lambda method, request: None
    with Search(tmp_path, trials=1) as search:
        assert search.run() == 0
    agrees(server, str(tmp_path))


def test_what_no_one_runs_is_not_left_open(tmp_path: Path, server: Vertex) -> None:
    """Fewer trials after a crash would leave those at the service that are too many."""
    with Search(tmp_path, trials=4) as search:
        search.end(search.create())
        asked = search.oracle._ask
        asked("1")  # Suggested, and the search is killed before its journal knows.
        asked("2")
        assert states(server) == {"SUCCEEDED": 1, "ACTIVE": 2}
    with Search(tmp_path, oracle(trials=2)) as search:
        assert search.run() == 1
    agrees(server, str(tmp_path))
    assert [trial.id for trial in server.vizier.all_trials()] == ["1", "2"]


def test_epochs_before_the_service_has_answered(tmp_path: Path, server: Vertex) -> None:
    """A trial that goes on after a crash would lose its first epochs there."""
    with Search(tmp_path, trials=1) as search:
        trial = search.create()
        search.durable.report_epoch(trial.trial_id, 0, 0, {"score": 9.0})
        search.oracle._say(lambda service: None, later=True).result(limits.WAIT_S)
    hold = threading.Event()
    server.before = lambda method, request: hold.wait(limits.WAIT_S)
    with Search(tmp_path, trials=1) as search:
        trial = search.create()
        for epoch in range(2):  # The first one again.
            search.durable.report_epoch(trial.trial_id, 0, epoch, {"score": 8.0})
        hold.set()
        search.end(trial, 8.0)
        search.durable.finish()
    (told,) = server.vizier.all_trials()
    found = [(m.step_count, m.metrics[0].value) for m in told.measurements]
    assert found == [(1, 9.0), (2, 8.0)]


def test_a_finished_search_goes_on(tmp_path: Path, server: Vertex) -> None:
    """More trials would be asked of another study, or the first ones be told again."""
    with Search(tmp_path, trials=2) as search:
        search.run()
    made = oracle(trials=4)
    with Study.open(
        str(tmp_path), simulation.FINGERPRINT, seed=1, max_trials=4
    ) as study:
        durable: Any = DurableOracle.open(made, study)
        while (trial := durable.create_trial("w")).status == "RUNNING":
            simulation.run_trial(durable, trial)
        durable.finish()
    agrees(server, str(tmp_path))
    assert len(server.vizier.studies) == 1
    assert len(server.vizier.all_trials()) == 4


def test_what_is_refused_ends_the_search(tmp_path: Path, server: Vertex) -> None:
    """A search without permission would be tried again for minutes."""

    def refuse(method: str, request: Any) -> None:
        raise Refused(grpc.StatusCode.PERMISSION_DENIED, "no role")

    server.before = refuse
    with (
        Search(tmp_path) as search,
        pytest.raises(ServiceError, match="no role.*roles/aiplatform.user"),
    ):
        search.create()


def test_suggestions_may_have_to_be_waited_for(tmp_path: Path, server: Vertex) -> None:
    """The real service answers with an operation that is not done."""
    server.vizier.slow = True
    with Search(tmp_path, trials=1) as search:
        assert search.run() == 1


def test_several_searches_share_a_study(tmp_path: Path, server: Vertex) -> None:
    """They would run the same trials, or each as many as there should be together."""
    made = [oracle(trials=7, study_id="shared") for _ in range(2)]
    with Search(tmp_path / "a", made[0]) as one, Search(tmp_path / "b", made[1]) as two:
        trials = [one.create(), two.create(), two.create("v")]
        one.end(trials[0])
        for trial in trials[1:]:
            two.end(trial)
        total = 3 + one.run()
        assert two.run() == 0
    assert total == 7
    assert states(server) == {"SUCCEEDED": 7}
    assert len(server.vizier.studies) == 1
    with Search(tmp_path / "c", oracle(trials=8, study_id="shared")) as three:
        assert three.run() == 1


def test_one_that_comes_when_all_is_done_asks_for_nothing(
    tmp_path: Path, server: Vertex
) -> None:
    """While others run the last trials it would cost the service a trial each second."""
    with Search(tmp_path / "a", trials=2, study_id="s") as search:
        assert search.run() == 2
    asked = server.calls.count("SuggestTrials")
    with Search(tmp_path / "b", trials=2, study_id="s") as late:
        assert late.create().status == "STOPPED"
        with pytest.raises(SearchError, match="have begun 2 trials"):
            late.durable.finish()
    assert server.calls.count("SuggestTrials") == asked


def test_one_that_comes_too_late_leaves_nothing_open(
    tmp_path: Path, server: Vertex
) -> None:
    """A trial that no one runs would count for all that share the study, for ever."""
    quicker: list[Any] = []

    def begin(method: str, request: Any) -> None:
        if method == "SuggestTrials" and not quicker:
            quicker.append(None)
            quicker.append(one.create("v"))
        if method == "DeleteTrial" and server.calls.count(method) < 9:
            raise Refused(grpc.StatusCode.UNAVAILABLE)

    made = [oracle(trials=2, study_id="s") for _ in range(2)]
    with Search(tmp_path / "a", made[0]) as one, Search(tmp_path / "b", made[1]) as two:
        one.end(one.create())
        server.before = begin
        assert two.create().status == "STOPPED"
        with pytest.raises(SearchError, match="have begun 2 trials"):
            two.durable.finish()
        assert states(server) == {"SUCCEEDED": 1, "ACTIVE": 1}
        one.end(quicker[1])
    assert [trial.id for trial in server.vizier.all_trials()] == ["1", "2"]


@pytest.mark.parametrize(
    ("space", "words"),
    [(simulation.space(dimensions=1), "differs in kind"), (None, "maximize")],
)
def test_another_study_is_refused(
    tmp_path: Path, server: Vertex, space: Any, words: str
) -> None:
    """A search would get points of another space, or look for the worst."""
    with Search(tmp_path / "a", trials=1, study_id="s") as search:
        search.run()
    made = oracle(space=space, study_id="s")
    if space is None:
        made.objective = keras_tuner.Objective("score", "max")
    with (
        Search(tmp_path / "b", made) as search,
        pytest.raises(ServiceError, match=words),
    ):
        search.create()


def test_the_service_stops_trials(tmp_path: Path, server: Vertex) -> None:
    """The rule SERVICE would have no effect, or stop what the service did not mean."""
    server.vizier.stops = lambda trial: trial.measurements[-1].metrics[0].value > 5.0
    rule = StoppingOptions("service")
    with Search(tmp_path, trials=2, rule=rule) as search:
        lengths = []
        for worst in (9.0, 1.0):
            trial = search.create()
            for epoch in range(4):
                metrics = {"score": worst}
                told = search.durable.report_epoch(trial.trial_id, 0, epoch, metrics)
                if told is not None and told.value == "stop":
                    break
                # What was said is answered; the next epoch hears of it.
                search.oracle._say(lambda service: None, later=True).result(
                    limits.WAIT_S
                )
            lengths.append(epoch + 1)
            search.end(trial, worst)
        assert lengths == [2, 4]
        assert search.create().status == "STOPPED"
        search.durable.finish()
    (study,) = server.vizier.studies.values()
    assert study.study_spec.HasField("decay_curve_stopping_spec")
    ends = simulation.read(str(tmp_path)).trials.values()
    assert [t.ended.get("stopped", {}).get("rule") for t in ends] == ["service", None]


def test_a_service_that_does_not_say_which_trials_should_stop(
    tmp_path: Path, server: Vertex
) -> None:
    """Results would wait for an answer that may never come, and end with the search."""

    def refuse(method: str, request: Any) -> None:
        if method == "CheckTrialEarlyStoppingState":
            raise Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "a quota")

    server.before = refuse
    made = oracle(trials=2, give_up_after_s=5.0)
    with Search(tmp_path, made, rule=StoppingOptions("service")) as search:
        trial = search.create()
        search.durable.report_epoch(trial.trial_id, 0, 0, {"score": 9.0})
        search.oracle._say(lambda service: None, later=True).result(limits.WAIT_S)
        search.end(trial)
        assert search.run() == 1
    assert "CheckTrialEarlyStoppingState" in server.calls
    agrees(server, str(tmp_path))


def test_who_cannot_stop_trials_says_so() -> None:
    """A rule would do nothing, or stop trials at random, and nobody be told."""
    rule = StoppingOptions("service")
    with pytest.raises(ValueError, match="Received: RandomSearchOracle"):
        LearningCurves.of(rule, simulation.oracle("random"))
    with pytest.raises(ValueError, match="at random"):
        LearningCurves.of(rule, VizierOracle(simulation.OBJECTIVE, endpoint="e:1"))


def test_a_study_without_stopping_is_refused(tmp_path: Path, server: Vertex) -> None:
    """A shared study would never stop a trial, though the rule says so."""
    with Search(tmp_path / "a", trials=1, study_id="s") as search:
        search.run()
    rule = StoppingOptions("service")
    with (
        Search(tmp_path / "b", rule=rule, study_id="s") as search,
        pytest.raises(ServiceError, match="created without"),
    ):
        search.create()


def test_a_failed_trial_that_is_run_again_is_told(
    tmp_path: Path, server: Vertex
) -> None:
    """The service would go on avoiding a good point because a disk was full."""
    with Search(tmp_path, trials=1) as search:
        trial = search.create()
        search.end(trial, 2.0)
        known = search.oracle._known
        assert known is not None
        told = search.oracle._say(lambda service: service).result(limits.WAIT_S)
        server.vizier.all_trials()[0].state = _State.INFEASIBLE
        known.tell_end(told, trial.trial_id)
        known.tell_end(told, trial.trial_id)
    assert states(server) == {"INFEASIBLE": 1, "SUCCEEDED": 1}


def test_a_failed_trial_that_runs_again_has_not_ended(
    tmp_path: Path, server: Vertex
) -> None:
    """The service would hear nothing of its result, if it was there before that."""
    with Search(tmp_path, trials=1) as search:
        simulation.fail(search.durable, search.create())
        assert search.create().status == "STOPPED"
        with pytest.raises(SearchError, match="Expected"):
            search.durable.finish()  # No trial completed.
    wanted = {"seed": 1, "retry": RetryOptions()}
    with Study.open(str(tmp_path), simulation.FINGERPRINT, **wanted) as study:
        made = oracle(trials=1)
        durable: Any = DurableOracle.open(made, study)
        trial = durable.create_trial("w")
        assert made._is_open(limits.WAIT_S)
        simulation.run_trial(durable, trial)
        durable.finish()
    assert states(server) == {"INFEASIBLE": 1, "SUCCEEDED": 1}


def test_hyperparameters_that_were_found_are_none_of_the_study(
    tmp_path: Path, server: Vertex
) -> None:
    """A search that has found some could not go on: its own study would be another's."""
    with Search(tmp_path, trials=4) as search:
        simulation.run_trial(search.durable, search.create(), discover=True)
        search.create()
    with Search(tmp_path, trials=4) as search:
        while (trial := search.create()).status == "RUNNING":
            simulation.run_trial(search.durable, trial, discover=True)
        search.durable.finish()
        assert "late" in search.oracle.get_best_trials()[0].hyperparameters.values
    agrees(server, str(tmp_path))
    (study,) = server.vizier.studies.values()
    assert [p.parameter_id for p in study.study_spec.parameters] == ["rate", "kind"]


def test_a_search_without_hyperparameters(tmp_path: Path, server: Vertex) -> None:
    """It would end with an error of the service, which has no study without parameters."""
    made = oracle(space=keras_tuner.HyperParameters())
    with Search(tmp_path, made) as search:
        search.end(search.create(), 1.0)
        assert search.run() == 0
    assert server.vizier.studies == {}


def test_without_a_journal(tmp_path: Path, server: Vertex) -> None:
    """KerasTuner's own search would leave the service's trials open."""

    class Tuner(VizierSearch):
        def run_trial(self, trial: Any, *args: Any) -> float:
            return float(trial.hyperparameters.Float("x", 0.0, 1.0))

    tuner = Tuner(
        None, PROJECT, REGION, max_trials=4, directory=tmp_path, project_name="plain"
    )
    tuner.search()
    assert states(server) == {"SUCCEEDED": 3 + 1}
    again = Tuner(
        None, PROJECT, REGION, max_trials=5, directory=tmp_path, project_name="plain"
    )
    again.search()
    assert states(server) == {"SUCCEEDED": 5}
    assert len(server.vizier.studies) == 1


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"project_id": "p"},
        {"region": "r"},
        {"project_id": "p", "region": "r", "endpoint": "e:1"},
        {"region": "r", "endpoint": "e:1"},
        {"endpoint": "e:1", "study_id": "a/b"},
        {"endpoint": "e:1", "study_id": ""},
        {"endpoint": "http://e:1"},
        {"endpoint": "localhost"},
        {"endpoint": "e:1", "give_up_after_s": 0},
        {"endpoint": "e:1", "give_up_after_s": float("nan")},
        {"endpoint": "e:1", "give_up_after_s": "60"},
    ],
)
def test_arguments_that_name_no_service(where: dict[str, Any]) -> None:
    """A search would fail when its first trial is wanted, or use another service."""
    with pytest.raises(ValueError, match="Expected"):
        VizierOracle(simulation.OBJECTIVE, **where)


def test_credentials_are_in_no_file_and_no_message(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    server: Vertex,
) -> None:
    """Whoever may read a study could use the project."""
    adc, secret_of_user = vertex_keys.of_user(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(adc))
    caplog.set_level(logging.DEBUG)
    directory = tmp_path / "study"
    with Search(directory, trials=3) as search:
        assert search.run() == 3
    written = b"".join(p.read_bytes() for p in directory.rglob("*") if p.is_file())
    assert "SuggestTrials" in server.calls
    for secret in (secret_of_user, *server.secrets):
        assert secret.encode() not in written
        assert secret not in caplog.text


def test_credentials_that_have_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Vertex
) -> None:
    """A search would ask for ten minutes, and then not say what to do."""
    adc, _ = vertex_keys.of_user(tmp_path)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(adc))
    server.are_refused = True
    with (
        Search(tmp_path / "study") as search,
        pytest.raises(ServiceError, match="expired. Run `gcloud auth application-"),
    ):
        search.create()


@pytest.mark.parametrize(
    "content",
    [None, f'"{SECRET}', f'{{"type": "{SECRET}"}}', '{"type": "authorized_user"}'],
)
def test_missing_credentials_are_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """An error would print what is in the file, or not say what to do."""
    adc = tmp_path / "adc.json"
    if content is not None:
        adc.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(adc))
    with pytest.raises(ServiceError, match="application-default login") as caught:
        vertex.connect(REGION)
    assert SECRET not in f"{caught.value!r}{caught.value.__cause__!r}"


def in_steps(directory: str, environment: dict[str, str], parallel: bool) -> None:
    """Runs a search, or the rest of one, against the stand-in of another process."""
    os.environ.update(environment)
    vizier_oracle._WAIT_S = limits.WAIT_S
    with Study.open(directory, simulation.FINGERPRINT, seed=1) as study:
        autocommit = not parallel
        durable: Any = DurableOracle.open(oracle(), study, autocommit=autocommit)
        running: dict[str, Any] = {}
        while True:
            for worker in "abc" if parallel else "a":
                if worker not in running:
                    trial = durable.create_trial(worker)
                    if trial.status == "RUNNING":
                        running[worker] = trial
            durable.commit()
            if not running:
                break
            for worker in sorted(running)[: max(1, len(running) - 1)]:
                simulation.run_trial(durable, running.pop(worker))
        durable.finish()


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("point", ["before", "after"])
def test_killed_at_any_commit_both_agree(
    tmp_path: Path, server: Vertex, point: str, parallel: bool
) -> None:
    """A trial would be left open for ever, be run twice, or be told another result."""
    there, kills = server.environment, 0
    for commit in range(1, 8 if parallel else 14):
        directory = str(tmp_path / f"{commit}")
        server.vizier.studies.clear()
        server.vizier.trials.clear()
        fault = f"journal.commit.{point}:{commit}"
        if not crashes.run(lambda d=directory: in_steps(d, there, parallel), fault):
            kills += 1
            assert crashes.run(lambda d=directory: in_steps(d, there, parallel))
        agrees(server, directory)
        assert len(server.vizier.studies) == 1
        assert not os.path.exists(f"{directory}/journal/quarantine")
    assert kills >= 6


def test_service_hears_of_what_somebody_has_enqueued(
    server: Vertex, tmp_path: Path
) -> None:
    """It would suggest that point, or the search wait for a suggestion first."""
    values = {"rate": 0.0123, "kind": "deep", "layers": 2}
    with Search(tmp_path / "study") as search:
        first = search.create()
        asked = requests.new("0123", "enqueue", values=values)
        assert search.durable.do(asked)[0] == requests.DONE
        search.end(first)
        second = search.create()
        assert second.hyperparameters.values == values
        search.end(second)
        search.run()
    agrees(server, str(tmp_path / "study"))
