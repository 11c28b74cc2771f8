"""Each trial goes to one worker, whatever the oracle thinks about who asks."""

from typing import Any

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component.search.errors import SearchError
from tuner_component.search.oracle import supply


class Service(simulation.CountingOracle):
    """Gives a client the trial again that is pending for it, and outlives the search."""

    clients: dict[str, str]

    def create_trial(self, tuner_id: str) -> Any:
        pending = self.trials.get(self.clients.get(tuner_id, ""))
        if pending is not None:
            pending.status = "RUNNING"
            self.ongoing_trials[tuner_id] = pending
            return pending
        trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING":
            self.clients[tuner_id] = trial.trial_id
        return trial

    def end_trial(self, trial: Any) -> None:
        super().end_trial(trial)
        for client, trial_id in list(self.clients.items()):
            if trial_id == trial.trial_id:
                del self.clients[client]


@pytest.fixture(name="clients")
def _clients(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Whose trials are pending, as the service knows; and every oracle is a slow one."""
    monkeypatch.setattr(supply, "SLOW_S", -1.0)
    monkeypatch.setattr(Service, "clients", {}, raising=False)
    return Service.clients


def _open(opened: simulation.Opened) -> Any:
    return opened.wrap(Service(objective=simulation.OBJECTIVE, max_trials=8))


def test_looking_ahead_gives_each_worker_a_trial_of_its_own(
    opened: simulation.Opened, clients: dict[str, str]
) -> None:
    """Two workers would run one trial, and all its results but the first be dropped."""
    durable = _open(opened)
    given = []
    for worker in "abcd":
        given.append(durable.create_trial(worker).trial_id)
        assert durable.look_ahead()
    assert given == ["0", "1", "2", "3"]
    assert simulation.waiting(durable) == ["4"]


def test_a_trial_that_is_pending_for_a_worker_of_an_earlier_run(
    opened: simulation.Opened, clients: dict[str, str]
) -> None:
    """After a crash, workers get the names again for which a service has trials."""
    durable = _open(opened)
    durable.create_trial("a")
    durable.create_trial("b")
    durable = _open(opened)
    # What waits goes to whoever comes first.
    assert [durable.create_trial(w).trial_id for w in "bca"] == ["0", "1", "2"]
    running = {w: t.trial_id for w, t in durable.ongoing_trials.items()}
    assert running == {"b": "0", "c": "1", "a": "2"}
    for trial_id in "012":
        simulation.run_trial(durable, durable.get_trial(trial_id))
    while (trial := durable.create_trial("a")).status == "RUNNING":
        simulation.run_trial(durable, trial)
    assert [t.status for t in durable.trials.values()] == ["COMPLETED"] * 8


class Stubborn(simulation.CountingOracle):
    """Gives the same trial to everyone."""

    def create_trial(self, tuner_id: str) -> Any:
        if self.trials:
            return self.trials["0"]
        return super().create_trial(tuner_id)

    def end_trial(self, trial: Any) -> None:
        super().end_trial(trial)
        self.trials[trial.trial_id].status = "RUNNING"


def test_an_oracle_with_one_trial_for_all_has_none_for_the_second(
    opened: simulation.Opened,
) -> None:
    """Both would run it."""
    durable = opened.wrap(Stubborn(objective=simulation.OBJECTIVE, max_trials=8))
    assert durable.create_trial("a").trial_id == "0"
    assert durable.create_trial("b").status == "IDLE"
    assert list(durable.ongoing_trials) == ["a"]


def test_an_oracle_that_gives_a_trial_again_that_has_ended_is_told_so(
    opened: simulation.Opened,
) -> None:
    """The search would never end, and drop every result."""
    durable = opened.wrap(Stubborn(objective=simulation.OBJECTIVE, max_trials=8))
    simulation.run_trial(durable, durable.create_trial("a"))
    durable.trials["0"].status = keras_tuner.engine.trial.TrialStatus.RUNNING
    with pytest.raises(SearchError, match="trial 0, which has ended"):
        durable.create_trial("a")
