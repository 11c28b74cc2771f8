"""MLflow while a search runs: what it is told, and what it costs when it fails."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

import tuner_component
from tests.export.conftest import PATIENCE_S
from tests.export.test_mlflow_runs import runs
from tests.support import tracked_search
from tuner_component.export import tracking
from tuner_component.search import events


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def searched(tracker: str | None = "mlflow", **more: Any) -> Any:
    return tracked_search.searched(tracker, **more)


def directory() -> str:
    """The directory of a study whose search no tracker was told of."""
    found = searched(None).directory
    return str(next(Path(found, "studies").iterdir()))


def stop() -> None:
    raise KeyboardInterrupt


def test_search_is_told_while_it_runs(store: str) -> None:
    """People would see nothing there until the search is over, or other numbers."""
    study = searched().study
    found = runs(store)
    assert found.pop("study").info.status == "FINISHED"
    assert found.keys() == {trial.trial_id for trial in study}
    for trial in study:
        run = found[trial.trial_id]
        assert run.data.metrics.get("best/score") == trial.score
        assert float(run.data.params["x"]) == trial.hyperparameters["x"]
        expected = "FAILED" if trial.trial_id == "2" else "FINISHED"
        assert run.info.status == expected


@pytest.mark.slow
def test_search_in_workers_is_told(store: str) -> None:
    """Trials in other processes would be left out."""
    study = searched(num_parallel_trials=2).study
    assert runs(store).keys() == {"study", *(trial.trial_id for trial in study)}


def test_reruns_are_told_beside_the_trials_they_confirm(store: str) -> None:
    """What decides over the best trial would be nowhere."""
    study = searched(confirm_top=2, confirm_seeds=2).study
    found = runs(store)
    best, second = study.confirmation.confirmed
    names = {
        found[rerun.trial_id].info.run_name: rerun.confirms for rerun in study.reruns
    }
    assert names == {
        f"trial {trial.trial_id}, re-run {number}": trial.trial_id
        for trial in (best, second)
        for number in (1, 2)
    }
    for rerun in study.reruns:
        tags = found[rerun.trial_id].data.tags
        assert tags["tuner_component.confirms"] == rerun.confirms
        assert found[rerun.trial_id].data.metrics["best/score"] == rerun.score
    for run in (found["study"], found[best.trial_id]):
        assert run.data.metrics["confirmed/mean"] == best.mean
        assert run.data.metrics["confirmed/spread"] == best.spread
    assert found["study"].data.tags["tuner_component.best_trial"] == best.trial_id
    assert "confirmed/mean" in found[second.trial_id].data.metrics


def test_resumed_search_is_told_once(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials would be there twice, or stay behind as if they ran for ever."""
    monkeypatch.setattr(tracked_search.Toy, "third", staticmethod(stop))
    with pytest.raises(KeyboardInterrupt):
        searched()
    found = runs(store)
    states = {trial_id: run.info.status for trial_id, run in found.items()}
    running = {"study": "RUNNING", "2": "RUNNING"}
    assert states == {"0": "FINISHED", "1": "FINISHED", **running}
    monkeypatch.setattr(tracked_search.Toy, "third", staticmethod(tracked_search.fail))
    searched()
    again = runs(store)  # Raises if one is there twice.
    assert {i: run.info.status for i, run in again.items()} == {
        **{trial_id: "FINISHED" for trial_id in ("0", "1", "3", "study")},
        "2": "FAILED",
    }
    for trial_id in ("0", "1", "study"):
        assert again[trial_id].info.run_id == found[trial_id].info.run_id


def test_events_that_were_lost_are_made_up_for(store: str, tmp_path: Path) -> None:
    """What a slow receiver has not heard would be missing for ever."""
    path = directory()
    with tracking.watching(["mlflow"], path) as (tracker,):
        tracker(events.SearchStarted(path, "score", "max", workers=0))
        tracker(events.TrialStarted("1", "worker-0", {"x": 0.5}))
    found = runs(store)
    assert found.keys() == {"study", "0", "1", "2", "3"}
    assert {run.info.status for run in found.values()} == {"FINISHED", "FAILED"}


def test_paused_trial_goes_on_in_its_run(store: str, tmp_path: Path) -> None:
    """Its first epochs would be lost, or be another trial."""
    path = directory()
    tracker = tracking.Tracker("mlflow", path)
    tracker(events.SearchStarted(path, "score", "max", workers=1))
    for epoch in (0, 1):
        tracker(events.TrialStarted("9", "worker-0", {"x": 0.5}))
        tracker(
            events.EpochEnded(
                "9", 0, epoch, {"score": 0.25 * epoch, "nan": float("nan")}
            )
        )
        tracker(events.TrialPaused("9", epoch + 1))
    tracker(events.TrialStarted("r", "worker-0", {"x": 0.5}, confirms="9"))
    tracker(events.EpochEnded("r", 0, 0, {"score": 1.0}))
    tracker(events.TrialEnded("r", True, 1.0, confirms="9"))
    tracker.close(PATIENCE_S)
    from mlflow import MlflowClient

    found = runs(store)
    history = MlflowClient(store).get_metric_history(found["9"].info.run_id, "score")
    assert [(metric.step, metric.value) for metric in history] == [(0, 0.0), (1, 0.25)]
    assert found["r"].info.run_name == "trial 9, re-run"
    assert found["r"].data.tags["tuner_component.confirms"] == "9"
    assert found["r"].data.metrics["best/score"] == 1.0


@pytest.mark.parametrize("broken", ["nobody", "refuses", "not installed"])
def test_tracker_that_fails_costs_one_warning(
    broken: str, store: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A server that is down would end a night's search, or fill its log."""
    if broken == "nobody":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    elif broken == "refuses":
        monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    else:
        monkeypatch.setitem(__import__("sys").modules, "mlflow", None)
    result = searched()
    assert len(result.trials) == 3
    assert capsys.readouterr().out.count("Going on without the tracker mlflow") == 1


def test_failed_tracker_keeps_no_events(
    store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All epochs of a long search would fill the memory, for nobody."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    tracker = tracking.Tracker("mlflow", "study")
    tracker(events.SearchStarted("study", "score", "max", workers=1))
    tracker.close(PATIENCE_S)
    before = tracker._events.qsize()
    tracker(events.EpochEnded("0", 0, 0, {"score": 1.0}))
    assert tracker._events.qsize() == before


def test_server_that_hangs_is_not_waited_for(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """A search would end when a server does, or never."""
    monkeypatch.setattr(tracking, "_PATIENCE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        assert len(searched().trials) == 3
    assert "has not taken everything within 0.1" in capsys.readouterr().out


def test_unknown_tracker_is_refused_at_once() -> None:
    """A typo would be a search that nobody sees."""
    with pytest.raises(ValueError, match="^Expected trackers .* Did you mean mlflow"):
        searched("mlfow")


def test_trackers_are_no_other_search() -> None:
    """Who adds a tracker would lose what was found without it."""
    first = searched(None).study.study_id
    assert searched(None, confirm_top=0).study.study_id == first
    from tuner_component.arguments import tune_args

    parts = tune_args.fingerprint_parts
    args = tuner_component.TuneArgs
    assert parts(args(trackers=["mlflow"], seed=1)) == parts(args(seed=1))
