"""Several searches, each in workers, whose trials are of one study at Vizier."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.cloud.aiplatform_v1 import types as v1

from tests.support import processes, vizier_in_workers
from tests.support.vertex import PROJECT, REGION, Vertex
from tests.support.vizier_in_workers import TRIALS
from tuner_component.report.loading import load_study
from tuner_component.search.storage import faults

pytestmark = pytest.mark.slow

_WHERE = {"project_id": PROJECT, "region": REGION, "study_id": "shared"}


def scores(directory: Path) -> list[float]:
    """The scores of all trials of a search, which has finished."""
    (journal,) = directory.rglob("journal")
    found = load_study(str(journal.parent))
    assert found.status == "finished"
    assert len(found.trials) == len(found.completed)
    return [trial.score or 0.0 for trial in found.completed]


@pytest.mark.parametrize("commit", [2, 3])
def test_several_drivers_and_one_that_is_killed(
    tmp_path: Path, server: Vertex, executors: processes.Executors, commit: int
) -> None:
    """They would run the same trials, or too many, or leave some open at the service."""
    names = ("a", "b", "c")

    def start(name: str, fault: str = "") -> processes.Executor:
        environment = dict(server.environment)
        if fault:
            environment[faults.VARIABLE] = fault
        given = str(tmp_path / name), environment, _WHERE
        return executors.start(vizier_in_workers.search, *given)

    killed = start("a", f"journal.commit.after:{commit}")
    with pytest.raises(Exception, match="its driver was killed"):
        killed.result()
    # Not before: they might leave no trial for it to be killed in.
    found: list[float] = []
    for name, search in [(name, start(name)) for name in names]:
        try:
            search.result()
        except Exception as error:  # noqa: BLE001 - another process's
            assert "share the study 'shared' have begun" in str(error)
        else:
            found += scores(tmp_path / name)
    told = server.vizier.all_trials()
    assert len(server.vizier.studies) == 1
    assert {trial.state for trial in told} == {v1.Trial.State.SUCCEEDED}
    values = [trial.final_measurement.metrics[0].value for trial in told]
    assert sorted(values) == sorted(found)
    assert len(set(found)) == len(found) == TRIALS


def test_one_that_comes_when_all_is_done(
    tmp_path: Path, server: Vertex, executors: processes.Executors
) -> None:
    """It would say that 0 trials have all failed, and not what to do."""
    given = dict(server.environment), _WHERE
    executors.start(vizier_in_workers.search, str(tmp_path / "a"), *given).result()
    late = executors.start(vizier_in_workers.search, str(tmp_path / "b"), *given)
    told = f"have begun {TRIALS} trials, and max_trials is {TRIALS}: raise it"
    with pytest.raises(Exception, match=told):
        late.result()
    (study,) = (tmp_path / "b").rglob("journal")
    assert load_study(str(study.parent)).ended_because is not None
