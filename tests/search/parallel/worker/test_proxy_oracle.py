"""The oracle that a worker's tuner sees, with a driver's oracle behind it."""

import copy
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np
import pytest
from keras_tuner.engine import trial as trial_lib

from tests.support import simulation
from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel.worker.proxy_oracle import ProxyOracle


class Unsendable:
    """A value that no other process could do anything with."""


class UserOracle(keras_tuner.oracles.RandomSearchOracle):
    """An oracle with things of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_trials=5, hyperparameters=simulation.space(), **kwargs)
        self.seen = 0
        self.helper = Unsendable()

    def look(self, by: int = 1) -> int:
        """Changes what the oracle knows."""
        self.seen += by
        return self.seen

    @staticmethod
    def name() -> str:
        """What needs no oracle at all."""
        return "user's"


class Driver:
    """Does with an oracle of its own what the proxy asks for, and notes it down.

    Attributes:
        oracle: The oracle.
        calls: The method, positional and named arguments of each call.
    """

    def __init__(self, directory: str) -> None:
        self.oracle = UserOracle(objective=simulation.OBJECTIVE, seed=3)
        self.oracle._set_project_dir(directory, "driver")
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((method, args, kwargs))
        if method == "end_trial":
            return "COMPLETED"
        if method == "getattr":
            return codec.encode(getattr(self.oracle, *args))
        return codec.encode(getattr(self.oracle, method)(*codec.decode(args), **kwargs))


@pytest.fixture(name="driver")
def _driver(tmp_path: Path) -> Driver:
    return Driver(str(tmp_path))


@pytest.fixture(name="local")
def _local() -> UserOracle:
    return UserOracle(objective=simulation.OBJECTIVE, seed=3)


@pytest.fixture(name="proxy")
def _proxy(driver: Driver, local: UserOracle) -> Any:
    return ProxyOracle(local, driver)


def test_it_passes_for_the_users_oracle(proxy: Any) -> None:
    """Tuners that check the class of their oracle would refuse it."""
    assert isinstance(proxy, UserOracle)
    assert isinstance(proxy, keras_tuner.Oracle)


def test_settings_are_read_in_the_worker(proxy: Any, driver: Driver) -> None:
    """Each look at the objective would wait for the driver."""
    assert proxy.objective == simulation.OBJECTIVE
    assert proxy.seed == 3
    assert not driver.calls


def test_how_many_trials_there_are_to_be_is_the_drivers(
    proxy: Any, driver: Driver
) -> None:
    """A tuner would plan with a number that the search does not have."""
    proxy.max_trials  # noqa: B018
    assert driver.calls == [("getattr", ("max_trials",), {})]


def test_a_trial_is_the_drivers(proxy: Any, driver: Driver) -> None:
    """Two workers would run the same trial."""
    trial = proxy.create_trial("tuner")
    assert isinstance(trial, trial_lib.Trial)
    assert trial.status == "RUNNING"
    there = driver.oracle.ongoing_trials["tuner"]
    assert trial.trial_id == there.trial_id
    assert trial.hyperparameters.values == there.hyperparameters.values


def test_what_a_trial_measures_gets_to_the_driver(proxy: Any, driver: Driver) -> None:
    """Scores would be lost, or NumPy's numbers refused."""
    trial = proxy.create_trial("tuner")
    proxy.update_trial(trial.trial_id, {"score": np.float32(0.5)}, step=2)
    metrics = driver.oracle.trials[trial.trial_id].metrics
    [observation] = metrics.get_history("score")
    assert (observation.value, observation.step) == ([0.5], 2)


def test_a_trial_is_handed_in_with_its_message(proxy: Any, driver: Driver) -> None:
    """A failed trial would leave no traceback."""
    trial = proxy.create_trial("tuner")
    trial.status, trial.message = "INVALID", "because"
    proxy.end_trial(trial)
    method, (sent,), named = driver.calls[-1]
    assert method == "end_trial"
    assert (sent.state["status"], sent.state["message"]) == ("INVALID", "because")
    assert named == {"out_of_memory": False}
    # As in process, it is what the oracle made of it.
    assert trial.status == "COMPLETED"


@pytest.mark.parametrize(
    ("status", "told"), [("INVALID", True), ("FAILED", True), ("COMPLETED", False)]
)
def test_the_driver_is_told_that_memory_ran_out(
    proxy: Any, driver: Driver, status: str, told: bool
) -> None:
    """The trial would fail for good, or one that has a result would be repeated."""
    trial = proxy.create_trial("tuner")
    trial.status, trial.ran_out_of_memory = status, True
    proxy.end_trial(trial)
    assert driver.calls[-1][2] == {"out_of_memory": told}


def test_a_trial_may_be_handed_in_by_its_id(proxy: Any, driver: Driver) -> None:
    """Tuners written for older releases would break."""
    trial = proxy.create_trial("tuner")
    proxy.end_trial(trial.trial_id, "FAILED")
    _, (sent,), _ = driver.calls[-1]
    assert sent.state["trial_id"] == trial.trial_id
    assert sent.state["status"] == "FAILED"


def test_what_changes_is_asked_for(proxy: Any, driver: Driver) -> None:
    """A worker would see only the trials that it ran itself."""
    trial = driver.oracle.create_trial("another worker")
    assert list(proxy.trials) == [trial.trial_id]
    assert list(proxy.ongoing_trials) == ["another worker"]
    assert proxy.get_trial(trial.trial_id).trial_id == trial.trial_id
    assert proxy.remaining_trials() == 4
    assert [t.trial_id for t in proxy.get_best_trials()] == [trial.trial_id]


def test_the_space_is_everyones(proxy: Any, driver: Driver) -> None:
    """What one worker discovers would be unknown to the others."""
    space = proxy.get_space()
    space.Choice("late", [1, 2])
    proxy.update_space(space)
    assert "late" in driver.oracle.get_space()
    assert "late" in proxy.hyperparameters


def test_the_users_own_methods_run_in_the_driver(
    proxy: Any, driver: Driver, local: UserOracle
) -> None:
    """What they change would be forgotten with the worker."""
    assert proxy.look(by=4) == 4
    assert proxy.seen == 4
    assert (driver.oracle.seen, local.seen) == (4, 0)
    assert proxy.name() == "user's"


def test_what_cannot_be_sent_is_the_workers_own(proxy: Any, local: UserOracle) -> None:
    """An oracle that holds a model, say, would break its tuner."""
    assert proxy.helper is local.helper


def test_there_is_nothing_to_save(proxy: Any, driver: Driver) -> None:
    """Workers would overwrite each other's files."""
    proxy.save()
    proxy.reload()
    assert not driver.calls


def test_an_attribute_that_does_not_exist_says_so(proxy: Any, driver: Driver) -> None:
    """`hasattr` would always be true."""
    assert not hasattr(proxy, "no_such_thing")
    assert not driver.calls


def test_a_copy_is_the_same(proxy: Any) -> None:
    """Callbacks that hold the tuner, which are copied, would need a second driver."""
    assert copy.deepcopy({"oracle": proxy})["oracle"] is proxy
    assert copy.copy(proxy) is proxy
