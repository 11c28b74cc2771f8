"""The trial that a worker runs, with a driver's oracle behind it."""

import itertools
from typing import Any

import keras_tuner
import pytest

from tests.support import simulation
from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel.worker.proxy_oracle import ProxyOracle

SCORE = {"score": 0.5}


class UserOracle(keras_tuner.oracles.RandomSearchOracle):
    """An oracle that might do anything with a trial that runs."""


class Driver:
    """Answers with an oracle of its own.

    Attributes:
        calls: The methods that were called.
        handed_in: The state of the trial that was handed in last.
        then: The requests that have come with trials.
        answered: Those that were waited for.
        forgotten: Those that were not.
        refuses: Whether no trial can be handed in.
    """

    def __init__(self, oracle: keras_tuner.Oracle) -> None:
        self.oracle = oracle
        self.calls: list[str] = []
        self.handed_in: dict[str, Any] = {}
        self.then: list[int | None] = []
        self.answered: list[int] = []
        self.forgotten: list[int] = []
        self.refuses = False
        self._requests = itertools.count()

    def __call__(self, method: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append(method)
        if method == "end_trial":
            self.handed_in = args[0].state
            self.then.append(kwargs.get("then"))
            if self.refuses:
                raise ValueError("the oracle's own")
            return "COMPLETED"
        if method == "getattr":
            return codec.encode(getattr(self.oracle, *args))
        return codec.encode(getattr(self.oracle, method)(*args, **kwargs))

    def expect(self) -> int:
        return next(self._requests)

    def answer(self, request_id: int) -> Any:
        self.answered.append(request_id)
        self.oracle.ongoing_trials.clear()
        return codec.encode(self.oracle.create_trial("tuner"))

    def forget(self, request_id: int) -> None:
        self.forgotten.append(request_id)


def _oracle(
    kind: type[keras_tuner.Oracle] = keras_tuner.oracles.RandomSearchOracle,
) -> keras_tuner.Oracle:
    oracle = kind(simulation.OBJECTIVE, 5, seed=1, hyperparameters=simulation.space())
    oracle.save = oracle._save_trial = lambda *_: None
    return oracle


@pytest.fixture(name="driver")
def _driver() -> Driver:
    return Driver(_oracle())


@pytest.fixture(name="proxy")
def _proxy(driver: Driver) -> Any:
    return ProxyOracle(_oracle(), driver, alone=True)


def _run(proxy: Any) -> None:
    """What KerasTuner's loop does."""
    trial = proxy.create_trial("tuner")
    assert not proxy.get_trial(trial.trial_id).metrics.exists("score")
    proxy.update_trial(trial.trial_id, SCORE, step=3)
    trial.status = "COMPLETED"
    proxy.end_trial(trial)


def test_the_next_trial_is_asked_for_with_the_end_of_the_one_before(
    driver: Driver,
) -> None:
    """The driver would wake and commit twice for each trial."""
    proxy = ProxyOracle(_oracle(), driver, alone=True, ahead=driver)
    for _ in range(3):
        _run(proxy)
    assert driver.calls == ["create_trial", "end_trial", "end_trial", "end_trial"]
    assert driver.then == [0, 1, 2]
    assert driver.answered == [0, 1] and not driver.forgotten


def test_what_came_with_a_trial_that_did_not_end_is_not_waited_for(
    driver: Driver,
) -> None:
    """Code that goes on after the error would wait for ever."""
    proxy = ProxyOracle(_oracle(), driver, alone=True, ahead=driver)
    driver.refuses = True
    with pytest.raises(ValueError, match="own"):
        _run(proxy)
    assert driver.forgotten == [0]
    proxy.create_trial("another")
    assert driver.calls == ["create_trial", "end_trial", "create_trial"]


def test_a_trial_asks_the_driver_twice(proxy: Any, driver: Driver) -> None:
    """Two more answers are half of what a trial costs the driver."""
    _run(proxy)
    assert driver.calls == ["create_trial", "end_trial"]
    assert driver.handed_in["reports"] == [(SCORE, 3)]


def test_the_next_trial_is_another_one(proxy: Any, driver: Driver) -> None:
    """It would be handed in with what the trial before has measured."""
    _run(proxy)
    trial = proxy.create_trial("another tuner")
    assert proxy.get_trial(trial.trial_id).trial_id == trial.trial_id == "1"
    proxy.end_trial(trial)
    assert "reports" not in driver.handed_in


def test_a_trial_shows_what_was_reported(proxy: Any) -> None:
    """A tuner that looks up its trial would not find its own report."""
    trial = proxy.create_trial("tuner")
    told = proxy.update_trial(trial.trial_id, SCORE, step=3)
    for seen in (told, proxy.get_trial(trial.trial_id)):
        [observation] = seen.metrics.get_history("score")
        assert (observation.value, observation.step) == ([0.5], 3)
        assert seen is not trial


def test_a_wrong_report_is_the_trials_error(proxy: Any) -> None:
    """The trial would end as if nothing was wrong with it."""
    trial = proxy.create_trial("tuner")
    with pytest.raises(ValueError, match="Objective value missing"):
        proxy.update_trial(trial.trial_id, {"another": 1.0})
    assert not proxy.get_trial(trial.trial_id).metrics.exists("another")


def test_the_driver_knows_it_before_anything_else(proxy: Any, driver: Driver) -> None:
    """A tuner that looks at all trials would miss what it has just reported."""
    trial = proxy.create_trial("tuner")
    proxy.update_trial(trial.trial_id, SCORE)
    assert proxy.trials[trial.trial_id].metrics.exists("score")
    assert driver.calls == ["create_trial", "update_trial", "getattr"]
    proxy.end_trial(trial)
    assert "reports" not in driver.handed_in


def test_who_reports_often_reports_to_the_driver(proxy: Any, driver: Driver) -> None:
    """Others would not see how a trial goes."""
    trial = proxy.create_trial("tuner")
    for step in range(3):
        proxy.update_trial(trial.trial_id, SCORE, step=step)
    history = driver.oracle.trials[trial.trial_id].metrics.get_history("score")
    assert [observation.step for observation in history] == [0, 1, 2]


@pytest.mark.parametrize("step", [None, "1", float("nan"), 10**20])
def test_an_odd_step_is_the_drivers_to_judge(
    proxy: Any, driver: Driver, step: Any
) -> None:
    """A worker would be ended for what a trial may get wrong."""
    trial = proxy.create_trial("tuner")
    proxy.update_trial(trial.trial_id, SCORE, step=step)
    assert driver.calls[-1] == "update_trial"


@pytest.mark.parametrize(
    ("kind", "alone"),
    [(UserOracle, True), (keras_tuner.oracles.RandomSearchOracle, False)],
)
def test_a_trial_that_others_may_change_is_asked_for(
    kind: type[keras_tuner.Oracle], alone: bool
) -> None:
    """An oracle that ends trials early, or another process of one, would not be heard."""
    driver = Driver(_oracle(kind))
    _run(ProxyOracle(_oracle(kind), driver, alone=alone))
    assert driver.calls == ["create_trial", "get_trial", "update_trial", "end_trial"]
    assert "reports" not in driver.handed_in
