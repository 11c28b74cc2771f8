"""What the driver does with its oracle, in the oracle's thread: see `oracle_thread`."""

import traceback
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search import events
from tuner_component.search.epochs import checked_epoch
from tuner_component.search.kerastuner import codec
from tuner_component.search.machine import output
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.oracle.reruns import confirms_of
from tuner_component.search.parallel import protocol
from tuner_component.search.parallel.driver.instructions import (
    CleanUp,
    EndTrial,
    Excuse,
    FailTrial,
    GiveBack,
    LookAhead,
    Order,
    PauseTrial,
    Suggest,
    Suggested,
)
from tuner_component.search.parallel.logs import Logs
from tuner_component.search.training import seeding
from tuner_component.search.training.weights_cleaner import WeightsCleaner

_Status = trial_lib.TrialStatus


class OracleActions:
    """What the driver does with its oracle; only plain values come in and go out.

    It does in the oracle's thread what a tuner would do around its trials, too.

    Args:
        tuner: The tuner that the oracle is from.
        oracle: The study's oracle.
        study_seed: The study's seed.
        study_directory: Path or URI of the study.
        logs: Where trials print to.
        confirm: How many of the best trials are run again: see `WeightsCleaner`.

    Attributes:
        looks_ahead: Whether `LookAhead` would have done anything after the last
            suggestion. May be read in any thread.
    """

    def __init__(
        self,
        tuner: Any,
        oracle: DurableOracle,
        study_seed: int,
        study_directory: str,
        logs: Logs,
        confirm: int = 0,
    ) -> None:
        self.oracle = oracle
        self._seed = study_seed
        self._cleaner = WeightsCleaner(
            *(tuner, oracle, study_directory), confirm=confirm, also=oracle.ranking.kept
        )
        self._logs = logs
        self.looks_ahead = True

    def carry_out(self, order: Order) -> Any:
        """Does what the dispatcher has ordered; the order tells what is returned."""
        if isinstance(order, Suggest):
            return self._suggest(order.caller.worker_id)
        if isinstance(order, LookAhead):
            return self.oracle.look_ahead()
        if isinstance(order, EndTrial):
            self._hand_in(order.state)
            return self._state(order.state["trial_id"])
        if isinstance(order, PauseTrial):
            return self.oracle.pause_trial(order.trial_id)
        if isinstance(order, FailTrial):
            self.oracle.fail_trial(order.trial_id, self._last_words(order))
            return self._state(order.trial_id)
        if isinstance(order, GiveBack):
            print(
                f"Trial {order.trial_id} will be repeated: {order.reason}", flush=True
            )
            return self._give_back(order)
        if isinstance(order, Excuse):
            return self.oracle.excuse(order.trial_ids)
        return self._clean_up(order)

    def decide(self, epoch: events.EpochEnded, can_pause: bool) -> str:
        """What the oracle wants to become of a trial after an epoch: a `Decision`."""
        told = epoch.trial_id, epoch.fit, epoch.epoch
        return self.oracle.decide(*told, can_pause=can_pause).value

    def call(self, request: protocol.Request) -> Any:
        """Calls the method that a worker asks for, or reads an attribute ("getattr")."""
        args = codec.decode(request.args)
        if request.method == "getattr":
            return codec.encode(getattr(self.oracle, *args))
        if request.method == "update_trial":
            checked_epoch(0, 0, args[1])  # Metrics go into the journal.
        # What the durable oracle has beyond the user's is the driver's to call.
        own = hasattr(keras_tuner.Oracle, request.method)
        oracle = self.oracle if own else self.oracle._inner
        method = getattr(oracle, request.method)
        return codec.encode(method(*args, **codec.decode(dict(request.kwargs))))

    def fail_given_up(self) -> None:
        """Ends the trials that have taken the search down too often."""
        for trial_id, why in self.oracle.given_up().items():
            self.carry_out(FailTrial(trial_id, why))

    def search_ended(self) -> None:
        """Deletes what trials left whose workers died."""
        self._cleaner.search_ended()

    def _suggest(self, worker_id: str) -> Suggested:
        suggested = self.oracle.create_trial(worker_id)
        trial: codec.TrialState = codec.encode(suggested)
        self.looks_ahead = self.oracle.looks_ahead
        if trial.state["status"] == _Status.RUNNING:
            trial_id = trial.state["trial_id"]
            self.oracle.note(trial_id, seed=seeding.trial_seed(self._seed, trial_id))
        ended = tuple(map(self._state, self.oracle.take_let_go()))
        return Suggested(trial, ended, confirms_of(suggested))

    def _hand_in(self, state: dict[str, Any]) -> None:
        """Ends a trial as its worker says."""
        trial = self.oracle.get_trial(state["trial_id"])
        # As in process, the oracle gets to see its own object.
        trial.status, trial.message = state["status"], state["message"]
        self._report(trial, state)
        if trial.status in (_Status.INVALID, _Status.FAILED):
            trial.message = f"{trial.message}\n{self._logs.hint(trial.trial_id)}"
        config = state["hyperparameters"]
        if config != trial.hyperparameters.get_config():  # Else it takes half the time.
            trial.hyperparameters = codec.decode(codec.Space(config))
        self.oracle.end_trial(trial)

    def _report(self, trial: trial_lib.Trial, state: dict[str, Any]) -> None:
        """Takes what its worker has not told before of what a trial measured."""
        try:
            for metrics, step in state.get("reports", ()):
                self.oracle.update_trial(trial.trial_id, metrics, step)
        except Exception:  # noqa: BLE001 - as if the trial had raised it in the worker
            trial.status, trial.message = _Status.INVALID, traceback.format_exc()

    def _last_words(self, order: FailTrial) -> str:
        """What there is to say about a trial whose worker can say nothing any more."""
        message = (
            f"Expected the trial to end. Received: {order.reason}. "
            f"{self._logs.hint(order.trial_id)}"
        )
        if last_lines := output.tail(self._logs.trial(order.trial_id)):
            message += f" Its last lines:\n{last_lines}"
        return message

    def _give_back(self, order: GiveBack) -> Any:
        tries = self.oracle.attempt_lost(
            order.trial_id,
            order.reason,
            out_of_memory=order.out_of_memory,
            excused=order.excused,
            interrupted=order.interrupted,
            last=order.last,
        )
        if why := self.oracle.given_up().get(order.trial_id):
            return self.carry_out(FailTrial(order.trial_id, why))
        return tries

    def _state(self, trial_id: str) -> dict[str, Any]:
        """What a trial's state tells of how it ended."""
        trial = self.oracle.get_trial(trial_id)
        names = ("trial_id", "status", "score", "message")
        state = {name: codec.encode(getattr(trial, name)) for name in names}
        standing = self.oracle.ranking.sentence()
        return {**state, "confirms": confirms_of(trial), "standing": standing}

    def _clean_up(self, order: CleanUp) -> None:
        if order.was_paused:
            self._cleaner.let_go(order.trial_id)
        elif self.oracle.get_trial(order.trial_id).status in (
            _Status.COMPLETED,
            _Status.FAILED,
        ):
            self._cleaner.trial_ended(order.trial_id)


def no_more_trials() -> codec.TrialState:
    """What a worker gets that should leave."""
    space = keras_tuner.HyperParameters()
    nothing = trial_lib.Trial(space, "", _Status.STOPPED)
    return codec.encode(nothing)  # type: ignore[no-any-return]
