"""A finished search goes on with re-runs on any filesystem, and is finished again."""

from typing import Any

from tests.support import simulation
from tuner_component.report.loading import load_study
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study

OPTIONS: dict[str, int] = {"confirm_top": 2, "confirm_seeds": 2}


def search(directory: str, most: int = 99, **options: int) -> list[str]:
    """Searches, or goes on, and leaves the study as a killed process would."""
    ran: list[str] = []
    with Study.open(directory, simulation.FINGERPRINT, seed=1, **options) as study:
        durable: Any = DurableOracle.open(simulation.oracle("random"), study, **options)
        while (trial := durable.create_trial("worker")).status == "RUNNING":
            if len(ran) == most:
                return ran
            ran.append(trial.trial_id)
            simulation.run_trial(durable, trial)
        if not study.is_finished:
            durable.finish()
    return ran


def test_a_finished_search_is_confirmed(root: str) -> None:
    """Its study would stay as it is, or be spoiled by what is added to it."""
    directory = f"{root}/study"
    assert len(search(directory)) == 8
    assert search(directory) == []
    assert len(search(directory, most=1, **OPTIONS)) == 1
    assert load_study(directory).status == "running"
    assert len(search(directory, **OPTIONS)) == 3
    study = load_study(directory)
    assert (study.status, len(study.trials), len(study.reruns)) == ("finished", 8, 4)
    assert study.confirmation is not None
    assert [trial.seeds for trial in study.confirmation.trials] == [2, 2]
    assert search(directory, **OPTIONS) == []
    assert not load_study(directory).losses
