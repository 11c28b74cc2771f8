"""A dispatcher that tests tell what happens, as the driver would."""

import copy
import types
from collections.abc import Mapping
from typing import Any

from tuner_component.search.kerastuner.codec import TrialState
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.parallel.driver import dispatcher
from tuner_component.search.parallel.driver.instructions import (
    Caller,
    CleanUp,
    Closed,
    EndTrial,
    Excuse,
    FailTrial,
    GiveBack,
    Instruction,
    LookAhead,
    OracleAnswered,
    Order,
    PauseTrial,
    Stimulus,
    Suggest,
    Suggested,
    TrialHandedIn,
    TrialPaused,
    TrialWanted,
    WorkerAdded,
    WorkerGone,
)

ORDERS = (
    *(Suggest, LookAhead, EndTrial, PauseTrial),
    *(FailTrial, GiveBack, Excuse, CleanUp),
)


def state(trial_id: str, status: str, message: str | None = None) -> dict[str, Any]:
    """The state of a trial."""
    return {
        "trial_id": trial_id,
        "status": status,
        "message": message,
        "score": 0.5 if status == "COMPLETED" else None,
        "hyperparameters": {"values": {"x": 1}},
    }


class Search:
    """A dispatcher, and what the test has told it."""

    def __init__(
        self,
        *workers: str,
        retries: int = 0,
        most: int | None = None,
        tries: Mapping[str, Tries] = types.MappingProxyType({}),
    ):
        self.dispatcher = dispatcher.Dispatcher(retries, most, tries)
        self.now = 100.0
        self._tries = {trial_id: copy.copy(told) for trial_id, told in tries.items()}
        self._requests = 0
        for worker in workers:
            self.tell(WorkerAdded(worker))

    def tell(self, stimulus: Stimulus) -> list[Instruction]:
        """Something has happened; returns what there is to do."""
        return self.dispatcher.handle(stimulus, self.now)

    def caller(self, worker: str) -> Caller:
        """A worker with a new request."""
        self._requests += 1
        return Caller(worker, self._requests)

    def ask(self, worker: str) -> list[Instruction]:
        """A worker asks for a trial."""
        return self.tell(TrialWanted(self.caller(worker)))

    def answer(self, order: Order, value: Any = None) -> list[Instruction]:
        """The oracle has carried out an order."""
        if isinstance(order, GiveBack) and value is None:
            value = self._note(order)
        return self.tell(OracleAnswered(order, value))

    def _note(self, order: GiveBack, reached: tuple[int, ...] = ()) -> Tries:
        """What the study knows of a trial that is given back."""
        tries = self._tries.setdefault(order.trial_id, Tries())
        tries.note({**vars(order), "reached": reached})
        return copy.copy(tries)

    def give_back(self, order: Instruction, *reached: int) -> list[Instruction]:
        """The oracle keeps a trial for another worker; its training got so far."""
        assert isinstance(order, GiveBack)
        return self.answer(order, self._note(order, reached))

    def suggest(
        self, order: Instruction, trial_id: str, *ended: dict[str, Any]
    ) -> list[Instruction]:
        """The oracle has suggested a trial, and ended others that were paused."""
        return self._suggested(order, state(trial_id, "RUNNING"), ended)

    def none(
        self, order: Instruction, status: str, *ended: dict[str, Any]
    ) -> list[Instruction]:
        """The oracle has no trial to suggest, and has ended others that were paused."""
        return self._suggested(order, state("", status), ended)

    def _suggested(
        self, order: Instruction, told: dict[str, Any], ended: tuple[Any, ...]
    ) -> list[Instruction]:
        assert isinstance(order, Suggest)
        return self.answer(order, Suggested(TrialState(told), ended))

    def run(self, worker: str, trial_id: str) -> None:
        """A worker asks for a trial and gets it."""
        [suggest] = [i for i in self.ask(worker) if isinstance(i, Suggest)]
        for order in self.suggest(suggest, trial_id):
            if isinstance(order, LookAhead):
                self.answer(order, False)

    def hand_in(
        self,
        worker: str,
        trial_id: str,
        status: str = "COMPLETED",
        ran_out: bool = False,
        asks: bool = False,
    ) -> list[Instruction]:
        """A worker has run its trial, and may ask for the next one at once."""
        message = None if status == "COMPLETED" else "because"
        told = state(trial_id, status, message)
        caller = self.caller(worker)
        then = self.caller(worker) if asks else None
        return self.tell(TrialHandedIn(caller, told, ran_out, then))

    def pause(self, worker: str, trial_id: str) -> list[Instruction]:
        """A worker has saved and left its trial."""
        return self.tell(TrialPaused(self.caller(worker), trial_id))

    def paused(
        self, order: Instruction, epochs: int, tries: Tries | None = None
    ) -> list[Instruction]:
        """The pause of a trial is journaled."""
        assert isinstance(order, PauseTrial)
        return self.answer(order, (epochs, tries or Tries()))

    def end(self, order: Instruction, status: str = "COMPLETED") -> list[Instruction]:
        """The oracle has ended a trial."""
        assert isinstance(order, (EndTrial, FailTrial))
        failed = isinstance(order, FailTrial)
        trial_id = order.trial_id if failed else order.state["trial_id"]
        return self.answer(order, state(trial_id, "FAILED" if failed else status))

    def close(self) -> None:
        """The search is to stop, and the oracle knows of it."""
        for order in self.tell(Closed()):
            if isinstance(order, Excuse):
                self.answer(order)

    def lose(self, worker: str, ran_out: bool = False) -> list[Instruction]:
        """A worker exits."""
        return self.tell(WorkerGone(worker, "it died", ran_out))

    def lose_node(self, worker: str) -> list[Instruction]:
        """A worker goes down with its machine."""
        return self.tell(WorkerGone(worker, "its node died", with_node=True))

    def lose_and_repeat(self, worker: str, ran_out: bool = False) -> None:
        """A worker exits, and its trial goes back to the oracle."""
        [give_back] = [i for i in self.lose(worker, ran_out) if isinstance(i, GiveBack)]
        self.answer(give_back)
