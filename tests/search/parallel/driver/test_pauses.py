"""Trials that an oracle pauses, in workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support import paused_trials, processes, scripts
from tuner_component.search import events, watching
from tuner_component.search.options import SearchOptions
from tuner_component.search.study.fingerprint import study_id
from tuner_component.search.study.history_reading import read_history
from tuner_component.search.study.trial_history import TrialHistory

OPTIONS = SearchOptions(num_workers=2, seed=7)


def told(directory: Path) -> dict[str, TrialHistory]:
    study = study_id(scripts.FINGERPRINT)
    return read_history(str(directory / "study"), study).trials


def look(
    executors: processes.Executors, directory: Path, rungs: Any
) -> processes.Executor:
    return executors.start(
        paused_trials.search_and_look,
        paused_trials.entry(directory, rungs),
        *(str(directory / "study"), OPTIONS, str(directory), rungs),
    )


def test_trials_pause_and_go_on_in_any_worker(
    executors: processes.Executors, tmp_path: Path
) -> None:
    """Workers would wait for what is paused, train it anew, or find something else."""
    searches = {
        name: look(executors, tmp_path / name, rungs)
        for name, rungs in (("whole", [99]), ("paused", paused_trials.RUNGS))
    }
    found = {name: executor.result() for name, executor in searches.items()}
    trials = told(tmp_path / "paused")
    whole = told(tmp_path / "whole")
    lengths = [len(t.ended["curves"][0]["loss"]) for t in trials.values() if t.ended]
    assert sorted(lengths) == [1, 1, 3, paused_trials.EPOCHS]
    # Of all others, only these epochs were trained.
    assert paused_trials.begun(tmp_path / "paused") == {
        "0": 4,
        "1": 2,
        "2": 2,
        "3": 1,
        "4": 1,
        "5": 1,
    }
    [best] = [i for i, t in trials.items() if t.ended and "stopped" not in t.ended]
    assert trials[best].ended is not None and whole[best].ended is not None
    assert trials[best].ended["score"] == whole[best].ended["score"]
    assert [a["kind"] for a in trials[best].attempts] == ["paused", "paused"]
    at = [found[name]["scores"].index(whole[best].ended["score"]) for name in found]
    weights = [found[name]["weights"][i] for name, i in zip(found, at, strict=True)]
    assert weights[0] == weights[1]
    assert len(found["paused"]["weights"]) == 4
    assert not list((tmp_path / "paused/study/trials").glob("*/training"))
    seeds = [t.ended["notes"]["seed"] for t in trials.values() if t.ended]
    assert len(set(seeds)) == 4


def test_what_is_told_of_pauses(executors: processes.Executors, tmp_path: Path) -> None:
    """Nobody would see that a trial waits, or that it has ended."""
    _, seen = executors.start(
        scripts.observed_search,
        paused_trials.entry(tmp_path, [1]),
        *(str(tmp_path / "study"), OPTIONS),
    ).result()
    paused = [e.trial_id for e in seen if isinstance(e, events.TrialPaused)]
    assert sorted(paused) == ["0", "1", "2", "3"]
    ended = [e.trial_id for e in seen if isinstance(e, events.TrialEnded)]
    assert sorted(ended) == ["0", "1", "2", "3"]
    tally = watching.Tally()
    for event in seen:
        tally.count(event)
    assert (tally.completed, tally.paused) == (4, set())
