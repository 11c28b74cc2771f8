"""Whatever happens in whatever order, the dispatcher keeps its promises."""

import collections
import random
from typing import Any

import pytest

from tests.support.dispatching import ORDERS, Search, state
from tuner_component.search import events
from tuner_component.search.kerastuner.codec import TrialState
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.parallel.driver.instructions import (
    Answer,
    Caller,
    Closed,
    DeadlinePassed,
    Dismiss,
    EndTrial,
    FailTrial,
    GiveBack,
    GiveUp,
    LookAhead,
    OracleAnswered,
    Order,
    PauseTrial,
    Stimulus,
    Suggest,
    Suggested,
    Tell,
    TrialHandedIn,
    TrialPaused,
    TrialWanted,
    WorkerAdded,
    WorkerGone,
)


class Oracle:
    """What the oracle's thread does, and an account of it."""

    def __init__(self, chance: random.Random, trials: int) -> None:
        self.orders: collections.deque[Order] = collections.deque()
        self.running: dict[str, str] = {}
        self.waiting: list[str] = []
        self.paused: list[str] = []
        self.ends: collections.Counter[str] = collections.Counter()
        self.created = 0
        self._tries: dict[str, Tries] = {}
        self._chance = chance
        self._trials = trials

    @property
    def suggesting(self) -> bool:
        """Whether a trial was asked for and has not come."""
        return any(isinstance(order, Suggest) for order in self.orders)

    def carry_out(self) -> OracleAnswered:
        """Carries out the next order: suggestions come last."""
        suggests = (Suggest, LookAhead)
        order = next((o for o in self.orders if not isinstance(o, suggests)), None)
        order = order or self.orders[0]
        self.orders.remove(order)
        return OracleAnswered(order, self._value(order))

    def _value(self, order: Order) -> Any:
        if isinstance(order, Suggest):
            return self._suggest(order.caller.worker_id)
        if isinstance(order, LookAhead):
            if not self.waiting and self.created < self._trials:
                self.waiting.append(self._new())
            return bool(self.waiting)
        if isinstance(order, EndTrial):
            return self._end(order.state["trial_id"], order.state["status"])
        if isinstance(order, PauseTrial):
            self._stop_running(order.trial_id)
            self.paused.append(order.trial_id)
            return 1, self._tries.setdefault(order.trial_id, Tries())
        if isinstance(order, FailTrial):
            return self._end(order.trial_id, "FAILED")
        if isinstance(order, GiveBack):
            self._stop_running(order.trial_id)
            self.waiting.append(order.trial_id)
            tries = self._tries.setdefault(order.trial_id, Tries())
            tries.note({**vars(order), "reached": ()})
            return tries
        return None

    def _suggest(self, worker: str) -> Suggested:
        ended = self._let_go(0.2)
        told = self._next(worker)
        if told["status"] == "STOPPED" and not self.running:
            ended += self._let_go(1.0)
        return Suggested(TrialState(told), tuple(ended))

    def _let_go(self, share: float) -> list[dict[str, Any]]:
        """Ends some of the paused trials."""
        chosen = [i for i in self.paused if self._chance.random() < share]
        for trial_id in chosen:
            self.paused.remove(trial_id)
            self.ends[trial_id] += 1
        return [state(trial_id, "COMPLETED") for trial_id in chosen]

    def _next(self, worker: str) -> dict[str, Any]:
        assert worker not in self.running.values()
        if self._chance.random() < 0.2:
            return state("", "IDLE")  # As Hyperband's, between its rounds.
        if self.waiting:
            trial_id = self.waiting.pop(0)
        elif self.paused and self._chance.random() < 0.5:
            trial_id = self.paused.pop(0)
        elif self.created < self._trials:
            trial_id = self._new()
        else:
            return state("", "STOPPED")
        self.running[trial_id] = worker
        return state(trial_id, "RUNNING")

    def _new(self) -> str:
        self.created += 1
        return str(self.created - 1)

    def _end(self, trial_id: str, status: str) -> dict[str, Any]:
        self._stop_running(trial_id)
        if status == "INVALID":
            self.waiting.append(trial_id)
        else:
            self.ends[trial_id] += 1
        return state(trial_id, status)

    def _stop_running(self, trial_id: str) -> None:
        del self.running[trial_id]  # Raises if it does not run.


class Simulation:
    """A search in which everything happens at random."""

    TRIALS, SLOTS = 12, 3

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._retries = self._chance.randrange(3)
        most = self._chance.choice([None, 1, 3])
        self._search = Search(retries=self._retries, most=most)
        self._dispatcher = self._search.dispatcher
        self.oracle = Oracle(self._chance, self.TRIALS)
        # What each worker does: begins, waits for an answer, has a trial, or leaves.
        self._workers: dict[str, str] = {}
        self._trials: dict[str, str] = {}
        # Its requests that were not answered, and what it does when they all are.
        self._requests: dict[str, set[Caller]] = {}
        self._then: dict[str, str] = {}
        self._started = 0
        self._ran_out: set[str] = set()

    def run(self) -> None:
        """Runs the search to its end."""
        for step in range(3000):
            if self._dispatcher.over:
                break
            actions = self._possible(calm=step > 300)
            assert actions, "the search hangs"
            self._chance.choice(actions)()
            self._check()
        assert self._dispatcher.over, "the search does not end"
        self._tell(Closed())
        while self.oracle.orders:
            self._tell(self.oracle.carry_out())
        assert "waits" not in self._workers.values(), "a worker waits for ever"

    def _possible(self, calm: bool) -> list[Any]:
        """What may happen next; nothing bad if all is calm."""
        dispatcher_, oracle = self._dispatcher, self.oracle
        actions: list[Any] = []
        if dispatcher_.wants_worker and len(self._workers) < self.SLOTS:
            actions.append(self._start_worker)
        if oracle.orders:
            actions += [lambda: self._tell(oracle.carry_out())] * 3
        for worker, does in self._workers.items():
            if does == "begins":
                actions.append(lambda w=worker: self._ask(w))
            elif does == "has a trial":
                actions.append(lambda w=worker: self._hand_in(w, calm))
                if not calm and self._trials[worker] not in self._ran_out:
                    actions.append(lambda w=worker: self._pause(w))
            if does == "leaves" or (not calm and self._chance.random() < 0.1):
                actions.append(lambda w=worker: self._exit(w))
        if dispatcher_.deadline is not None:
            actions.append(self._wait)
        return actions

    def _start_worker(self) -> None:
        worker = f"worker-{self._started}"
        self._started += 1
        self._workers[worker] = "begins"
        self._tell(WorkerAdded(worker, checks=self._started == 1))

    def _ask(self, worker: str) -> None:
        self._tell(TrialWanted(self._request(worker)))

    def _request(self, worker: str) -> Caller:
        caller = self._search.caller(worker)
        self._workers[worker] = "waits"
        self._requests.setdefault(worker, set()).add(caller)
        return caller

    def _hand_in(self, worker: str, calm: bool) -> None:
        trial_id = self._trials.pop(worker)
        statuses = ["COMPLETED", "FAILED"] + ([] if calm else ["INVALID"])
        status = self._chance.choice(statuses)
        ran_out = status == "FAILED" and self._chance.random() < 0.3
        if ran_out:
            self._ran_out.add(trial_id)
        handed_in = state(trial_id, status, "because")
        caller = self._request(worker)
        then = self._request(worker) if self._chance.random() < 0.5 else None
        self._tell(TrialHandedIn(caller, handed_in, ran_out, then))

    def _pause(self, worker: str) -> None:
        trial_id = self._trials.pop(worker)
        self._tell(TrialPaused(self._request(worker), trial_id))

    def _exit(self, worker: str) -> None:
        del self._workers[worker]
        trial_id = self._trials.pop(worker, None)
        ran_out = self._chance.random() < 0.2
        if ran_out and trial_id is not None:
            self._ran_out.add(trial_id)
        self._tell(WorkerGone(worker, "it died", ran_out))

    def _wait(self) -> None:
        self._search.now = self._dispatcher.deadline or 0.0
        self._tell(DeadlinePassed())

    def _tell(self, stimulus: Stimulus) -> None:
        for instruction in self._search.tell(stimulus):
            if isinstance(instruction, ORDERS):
                if self._ran_out and isinstance(instruction, Suggest):
                    assert not self._trials, "a trial may begin beside one alone"
                    assert not self.oracle.suggesting
                self.oracle.orders.append(instruction)
            elif isinstance(instruction, Answer):
                self._answer(instruction)
            elif isinstance(instruction, Dismiss):
                self._received(instruction.caller, "leaves")
            elif isinstance(instruction, Tell):
                if isinstance(instruction.event, events.TrialEnded):
                    self._ran_out.discard(instruction.event.trial_id)
            else:
                assert isinstance(instruction, GiveUp)

    def _answer(self, answer: Answer) -> None:
        assert answer.error is None
        has_trial = isinstance(answer.value, TrialState)
        if isinstance(answer.value, TrialState):
            self._trials[answer.caller.worker_id] = answer.value.state["trial_id"]
        self._received(answer.caller, "has a trial" if has_trial else "begins")

    def _received(self, caller: Caller, then: str) -> None:
        worker = caller.worker_id
        self._requests[worker].remove(caller)  # Raises if it is answered twice.
        if then != "begins":
            self._then[worker] = then
        if not self._requests[worker]:
            self._workers[worker] = self._then.pop(worker, "begins")

    def _check(self) -> None:
        """What holds at any time."""
        running = self._dispatcher.running
        held = self._dispatcher._held  # They have failed, and wait for the check.
        at_work = {a.worker_id: a.trial_id for a in running if a.worker_id not in held}
        assert at_work == self._trials
        trials = list(self._trials.values())
        assert len(trials) == len(set(trials)), "two workers have one trial"


@pytest.mark.parametrize("seed", range(200))
def test_whatever_happens_each_trial_ends_once(seed: int) -> None:
    """There are orders of events that nobody has thought of."""
    simulation = Simulation(seed)
    simulation.run()
    assert simulation.oracle.ends == {str(i): 1 for i in range(simulation.TRIALS)}
