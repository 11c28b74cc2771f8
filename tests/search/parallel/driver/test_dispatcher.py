"""Who gets which trial, and what becomes of it: without a process, a thread or a clock."""

import collections
import random
from typing import Any

import pytest

from tuner_component.search import events
from tuner_component.search.oracle.codec import TrialState
from tuner_component.search.parallel.driver import dispatcher
from tuner_component.search.parallel.driver.instructions import (
    Answer,
    Caller,
    CleanUp,
    Closed,
    DeadlinePassed,
    Dismiss,
    EndTrial,
    FailTrial,
    GiveBack,
    GiveUp,
    Instruction,
    LookAhead,
    OracleAnswered,
    Order,
    Raise,
    Stimulus,
    Suggest,
    Tell,
    TrialHandedIn,
    TrialWanted,
    WorkerAdded,
    WorkerGone,
)

ORDERS = (Suggest, LookAhead, EndTrial, FailTrial, GiveBack, CleanUp)


def _state(trial_id: str, status: str, message: str | None = None) -> dict[str, Any]:
    return {
        "trial_id": trial_id,
        "status": status,
        "message": message,
        "score": 0.5 if status == "COMPLETED" else None,
        "hyperparameters": {"values": {"x": 1}},
    }


class Search:
    """A dispatcher, and what the test has told it."""

    def __init__(self, *workers: str, retries: int = 0, most: int | None = None):
        self.dispatcher = dispatcher.Dispatcher(retries, most)
        self.now = 100.0
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
        return self.tell(OracleAnswered(order, value))

    def suggest(self, order: Instruction, trial_id: str) -> list[Instruction]:
        """The oracle has suggested a trial."""
        assert isinstance(order, Suggest)
        return self.answer(order, TrialState(_state(trial_id, "RUNNING")))

    def none(self, order: Instruction, status: str) -> list[Instruction]:
        """The oracle has no trial to suggest."""
        assert isinstance(order, Suggest)
        return self.answer(order, TrialState(_state("", status)))

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
    ) -> list[Instruction]:
        """A worker has run its trial."""
        state = _state(trial_id, status, None if status == "COMPLETED" else "because")
        return self.tell(TrialHandedIn(self.caller(worker), state, ran_out))

    def end(self, order: Instruction, status: str = "COMPLETED") -> list[Instruction]:
        """The oracle has ended a trial."""
        assert isinstance(order, (EndTrial, FailTrial))
        failed = isinstance(order, FailTrial)
        trial_id = order.trial_id if failed else order.state["trial_id"]
        return self.answer(order, _state(trial_id, "FAILED" if failed else status))

    def lose(self, worker: str, ran_out: bool = False) -> list[Instruction]:
        """A worker exits."""
        return self.tell(WorkerGone(worker, "it died", ran_out))

    def lose_and_repeat(self, worker: str, ran_out: bool = False) -> None:
        """A worker exits, and its trial goes back to the oracle."""
        [give_back] = [i for i in self.lose(worker, ran_out) if isinstance(i, GiveBack)]
        self.answer(give_back, 1)


def test_a_trial_from_its_suggestion_to_its_end() -> None:
    """No search would run."""
    search = Search("a")
    [suggest] = search.ask("a")
    assert suggest == Suggest(Caller("a", 1))
    given, told = search.suggest(suggest, "0")
    assert given == Answer(Caller("a", 1), TrialState(_state("0", "RUNNING")))
    assert told == Tell(events.TrialStarted("0", "a", {"x": 1}))
    [end] = search.hand_in("a", "0")
    assert end == EndTrial(Caller("a", 2), _state("0", "COMPLETED"))
    assert not search.dispatcher.over  # Its end is not durable yet.
    assert search.end(end) == [
        Answer(Caller("a", 2), "COMPLETED"),
        Tell(events.TrialEnded("0", True, 0.5, None)),
    ]
    assert search.ask("a") == [CleanUp("0"), Suggest(Caller("a", 3))]


def test_the_attempt_that_runs_is_known() -> None:
    """Its time limit, and what it reports after each epoch, would be nobody's."""
    search = Search("a", "b", retries=1)
    search.run("a", "0")
    search.lose_and_repeat("a")
    search.now = 107.0
    search.run("b", "0")
    [attempt] = search.dispatcher.running
    assert (attempt.trial_id, attempt.worker_id) == ("0", "b")
    assert (attempt.number, attempt.started) == (2, 107.0)
    assert search.dispatcher.runs("b", "0")
    assert not search.dispatcher.runs("b", "1")


def test_a_trial_stays_on_disk_until_its_worker_has_left_it() -> None:
    """`on_trial_end` of the user's tuner would find its files deleted."""
    search = Search("a")
    search.run("a", "0")
    [end] = search.hand_in("a", "0")
    assert not any(isinstance(i, CleanUp) for i in search.end(end))
    assert CleanUp("0") in search.lose("a")


@pytest.mark.parametrize("trial_id", ["0", "1"])
def test_a_trial_that_is_not_the_workers_own_is_refused(trial_id: str) -> None:
    """A trial would end twice, or while another worker runs it."""
    search = Search("a", "b")
    search.run("a", "0")
    search.run("b", "1")
    if trial_id == "0":
        search.hand_in("a", "0")
    [refused] = search.hand_in("a", trial_id)
    assert isinstance(refused, Answer) and isinstance(refused.error, ValueError)
    assert "End a trial once" in str(refused.error)
    assert search.dispatcher.runs("b", "1")


def test_a_trial_is_repeated_as_often_as_allowed() -> None:
    """A poisonous trial would be repeated forever, or a good one given up."""
    search = Search("a", "b", "c", retries=1)
    search.run("a", "0")
    assert search.lose("a") == [
        Tell(events.AttemptLost("0", "it died")),
        GiveBack("0", "it died"),
    ]
    search.answer(GiveBack("0", "it died"), 1)
    search.run("b", "0")
    [fail] = search.lose("b")
    assert fail == FailTrial("0", "it died, at attempt 2")
    [told] = search.end(fail)
    assert isinstance(told, Tell) and isinstance(told.event, events.TrialEnded)
    assert not told.event.completed


def test_each_trial_has_its_own_retries() -> None:
    """The second trial that loses its worker would fail for the first one's sake."""
    search = Search("a", "b", retries=1)
    search.run("a", "0")
    search.run("b", "1")
    search.lose_and_repeat("a")
    assert GiveBack("1", "it died") in search.lose("b")


def test_a_trial_that_raises_is_a_result() -> None:
    """A trial that can never work would be run again and again."""
    search = Search("a", retries=5)
    search.run("a", "0")
    [end] = search.hand_in("a", "0", "FAILED")
    assert isinstance(end, EndTrial)


def test_a_trial_that_the_oracle_wants_again_has_not_ended() -> None:
    """Its worker would take it for done, and so would whoever watches."""
    search = Search("a")
    search.run("a", "0")
    [end] = search.hand_in("a", "0", "INVALID")
    answer, told = search.end(end, "INVALID")
    assert isinstance(answer, Answer) and answer.value == "INVALID"
    assert isinstance(told, Tell) and isinstance(told.event, events.AttemptLost)
    search.run("a", "0")
    assert search.dispatcher.running[0].number == 2


def test_out_of_memory_is_repeated_once_alone_whatever_the_retries() -> None:
    """A trial that had no memory beside others would never get its chance."""
    search = Search("a", "b", "c", retries=0)
    search.run("a", "0")
    search.run("b", "1")
    told, give_back, answer = search.hand_in("a", "0", "FAILED", ran_out=True)
    assert isinstance(told, Tell) and isinstance(told.event, events.AttemptLost)
    assert isinstance(give_back, GiveBack) and "because" in give_back.reason
    assert answer == Answer(Caller("a", 3), "RUNNING")  # The attempt does not count.
    search.answer(give_back, 1)
    # It does not begin while another trial runs.
    assert search.ask("c") == []
    end, suggest = search.hand_in("b", "1")
    search.end(end)
    search.suggest(suggest, "0")
    assert search.dispatcher.running[0].alone
    # And no other one begins beside it, nor is another worker of use.
    assert search.ask("b") == [CleanUp("1")]
    assert not search.dispatcher.wants_worker
    # Alone, it has failed: there is no more memory to be had.
    end, suggest = search.hand_in("c", "0", "FAILED", ran_out=True)
    assert isinstance(end, EndTrial)
    assert isinstance(suggest, Suggest) and suggest.caller.worker_id == "b"
    # From then on trials run beside each other again.
    search.end(end, "FAILED")
    search.suggest(suggest, "2")
    search.run("c", "3")
    assert len(search.dispatcher.running) == 2


def test_out_of_memory_alone_is_a_failure() -> None:
    """A trial that is too large for the machine would be repeated forever."""
    search = Search("a", "b", retries=5)
    search.run("a", "0")
    search.lose_and_repeat("a", ran_out=True)
    search.run("b", "0")
    assert search.lose("b", ran_out=True) == [FailTrial("0", "it died, at attempt 2")]


def test_out_of_memory_is_no_retry() -> None:
    """A trial that lost its memory to others would have one retry less."""
    search = Search("a", "b", "c", retries=1)
    search.run("a", "0")
    search.lose_and_repeat("a", ran_out=True)
    search.run("b", "0")
    search.lose_and_repeat("b")
    search.run("c", "0")
    assert search.dispatcher.running[0].alone
    [fail] = search.lose("c")
    assert isinstance(fail, FailTrial)


def test_another_trial_before_the_one_that_waits_alone_is_not_it() -> None:
    """The trial would be taken for done and run beside others after all."""
    search = Search("a", "b", "c")
    search.run("a", "0")
    search.lose_and_repeat("a", ran_out=True)
    search.run("b", "1")
    assert not search.dispatcher.running[0].alone
    assert search.ask("c") == []
    [end, suggest] = search.hand_in("b", "1")
    assert isinstance(end, EndTrial) and isinstance(suggest, Suggest)


def test_a_worker_that_ran_out_of_memory_is_replaced() -> None:
    """What it could not free would be missing for the next trial."""
    search = Search("a")
    search.run("a", "0")
    _, give_back, _ = search.hand_in("a", "0", "FAILED", ran_out=True)
    search.answer(give_back, 1)
    [dismiss] = search.ask("a")
    assert isinstance(dismiss, Dismiss)
    search.lose("a")
    assert search.dispatcher.wants_worker


def test_a_worker_leaves_after_its_share_of_trials() -> None:
    """Leaks would add up over a long search."""
    search = Search("a", most=1)
    search.run("a", "0")
    [end] = search.hand_in("a", "0")
    search.end(end)
    clean_up, dismiss = search.ask("a")
    assert clean_up == CleanUp("0") and isinstance(dismiss, Dismiss)
    assert search.lose("a") == []  # Once is enough.


def test_a_worker_stays_while_there_is_nothing_for_a_fresh_one() -> None:
    """Workers would be started only to wait."""
    search = Search("a", "b", most=1)
    search.run("a", "0")
    [suggest] = search.ask("b")
    search.none(suggest, "STOPPED")
    search.lose("b")
    [end] = search.hand_in("a", "0")
    # As far as is known, the oracle has none.
    assert search.ask("a") == [CleanUp("0")]
    # Now it may have one.
    *_, dismiss = search.end(end)
    assert isinstance(dismiss, Dismiss) and dismiss.caller.worker_id == "a"


def test_several_suggestions_are_asked_for_at_a_time() -> None:
    """Sixteen workers would start one after the other."""
    search = Search("a", "b")
    assert isinstance(search.ask("a")[0], Suggest)
    assert isinstance(search.ask("b")[0], Suggest)


def test_an_oracle_that_had_none_is_asked_for_one_first() -> None:
    """Each end of a trial would have all idle workers ask, in vain."""
    search = Search("a", "b", "c", "d")
    search.run("a", "0")
    search.none(search.ask("b")[0], "IDLE")
    search.ask("c")
    search.ask("d")
    [end] = search.hand_in("a", "0")
    orders = [i for i in search.end(end) if isinstance(i, Suggest)]
    assert [order.caller.worker_id for order in orders] == ["b"]
    # It has one, so it may have more.
    given = search.suggest(orders[0], "1")
    orders = [i for i in given if isinstance(i, Suggest)]
    assert [order.caller.worker_id for order in orders] == ["c", "d"]


def test_workers_get_trials_in_the_order_in_which_they_asked() -> None:
    """One might wait for ever while others are served."""
    search = Search("a", "b", "c")
    search.run("a", "0")
    search.none(search.ask("b")[0], "IDLE")
    search.ask("c")
    [end] = search.hand_in("a", "0")
    [order] = [i for i in search.end(end) if isinstance(i, Suggest)]
    # That none was found for it does not cost a worker its place.
    search.none(order, "IDLE")
    search.now += dispatcher.ASK_AGAIN_S
    [order] = search.tell(DeadlinePassed())
    assert isinstance(order, Suggest) and order.caller.worker_id == "b"


def test_an_idle_oracle_is_asked_again_later() -> None:
    """A search would stand still, or keep a core busy with asking."""
    search = Search("a")
    search.none(search.ask("a")[0], "IDLE")
    assert search.dispatcher.deadline == search.now + dispatcher.ASK_AGAIN_S
    assert not search.dispatcher.wants_worker
    search.now += dispatcher.ASK_AGAIN_S / 2
    assert search.tell(WorkerAdded("b")) == []
    search.now += dispatcher.ASK_AGAIN_S / 2
    [suggest] = search.tell(DeadlinePassed())
    assert isinstance(suggest, Suggest)
    assert search.dispatcher.deadline is None


def test_an_idle_oracle_whose_last_worker_died_is_asked_again() -> None:
    """The search would wait for ever: nobody is left to ask for a trial."""
    search = Search("a")
    search.none(search.ask("a")[0], "IDLE")
    search.lose("a")
    assert not search.dispatcher.wants_worker and not search.dispatcher.over
    assert search.dispatcher.deadline == search.now + dispatcher.ASK_AGAIN_S
    search.now += dispatcher.ASK_AGAIN_S
    search.tell(DeadlinePassed())
    assert search.dispatcher.wants_worker


def test_a_search_is_over_when_the_oracle_has_stopped_and_nothing_runs() -> None:
    """It would end too early, or not at all."""
    search = Search("a", "b")
    search.run("a", "0")
    search.none(search.ask("b")[0], "STOPPED")
    assert not search.dispatcher.over and not search.dispatcher.wants_worker
    [end] = search.hand_in("a", "0")
    assert not search.dispatcher.over
    _, _, suggest = search.end(end)
    search.none(suggest, "STOPPED")
    assert search.dispatcher.over
    [dismiss] = search.tell(Closed())
    assert isinstance(dismiss, Dismiss) and dismiss.caller.worker_id == "b"


def test_a_stopped_oracle_is_asked_again_for_a_trial_that_was_lost() -> None:
    """The last trial of a search would not be repeated."""
    search = Search("a", "b", retries=1)
    search.run("a", "0")
    search.none(search.ask("b")[0], "STOPPED")
    _, give_back = search.lose("a")
    [suggest] = search.answer(give_back, 1)  # type: ignore[arg-type]
    assert isinstance(suggest, Suggest) and suggest.caller.worker_id == "b"


def test_a_closed_search_hands_out_nothing() -> None:
    """A search that was told to stop would start another trial."""
    search = Search("a", "b", "c")
    search.run("a", "0")
    [suggest] = search.ask("b")  # It is under way.
    search.tell(Closed())
    [dismissed] = search.suggest(suggest, "1")
    assert isinstance(dismissed, Dismiss) and dismissed.caller.worker_id == "b"
    [dismissed] = search.ask("c")
    assert isinstance(dismissed, Dismiss)
    assert not search.dispatcher.wants_worker
    # What runs may be handed in.
    assert not search.dispatcher.over
    [end] = search.hand_in("a", "0")
    assert not search.dispatcher.over
    search.end(end)
    assert search.dispatcher.over


def test_an_attempt_that_a_closed_search_kills_is_not_the_trials_fault() -> None:
    """Each run with a time budget would cost its last trials a retry."""
    search = Search("a", retries=0)
    search.run("a", "0")
    search.tell(Closed())
    assert search.lose("a") == []
    assert search.dispatcher.over


def test_a_worker_that_is_gone_before_its_suggestion_came() -> None:
    """The trial would be nobody's, for ever; or the worker would be answered."""
    search = Search("a", "b")
    [suggest] = search.ask("a")
    search.lose("a")
    told, give_back = search.suggest(suggest, "0")
    assert isinstance(told, Tell) and isinstance(told.event, events.AttemptLost)
    assert isinstance(give_back, GiveBack) and give_back.trial_id == "0"
    assert not search.dispatcher.running
    # That attempt was none: it does not count.
    search.answer(give_back, 1)
    search.run("b", "0")
    assert search.dispatcher.running[0].number == 1


def test_a_worker_that_is_gone_before_it_heard_that_there_is_none() -> None:
    """The next trial would be suggested for a worker that does not exist."""
    search = Search("a", "b")
    [suggest] = search.ask("a")
    search.lose("a")
    search.none(suggest, "IDLE")
    assert search.dispatcher.deadline is not None
    search.now += dispatcher.ASK_AGAIN_S
    assert search.tell(DeadlinePassed()) == []
    assert search.dispatcher.wants_worker


def test_a_worker_that_is_gone_is_not_answered_when_its_trial_has_ended() -> None:
    """A result that was handed in would be lost with its worker."""
    search = Search("a")
    search.run("a", "0")
    [end] = search.hand_in("a", "0")
    assert search.lose("a") == [CleanUp("0")]  # After its end: orders keep theirs.
    [told] = search.end(end)
    assert isinstance(told, Tell) and isinstance(told.event, events.TrialEnded)


def test_a_trial_is_looked_ahead_for_while_others_run() -> None:
    """An idle worker would wait for a slow oracle although there was time before."""
    search = Search("a", "b")
    *_, order = search.suggest(search.ask("a")[0], "0")
    assert order == LookAhead()
    search.none(search.ask("b")[0], "IDLE")
    # One waits: the idle worker gets it at once.
    [suggest] = search.answer(LookAhead(), True)
    assert isinstance(suggest, Suggest) and suggest.caller.worker_id == "b"


def test_a_worker_that_is_alone_is_told_all_that_is_known() -> None:
    """The next trial would be suggested without the latest result."""
    search = Search("a")
    assert LookAhead() not in search.suggest(search.ask("a")[0], "0")


def test_an_error_of_looking_ahead_waits_for_the_next_suggestion() -> None:
    """A search would end for a trial that nobody has asked for."""
    search = Search("a", "b")
    search.run("a", "0")
    assert search.tell(OracleAnswered(LookAhead(), error=ValueError())) == []


def test_an_error_of_the_oracle_is_raised_where_it_was_asked() -> None:
    """The user's own oracle would fail without a word."""
    search = Search("a", "b")
    error = ValueError("broken")
    [suggest] = search.ask("a")
    assert isinstance(suggest, Suggest)
    [answer] = search.tell(OracleAnswered(suggest, error=error))
    assert answer == Answer(suggest.caller, error=error)
    search.run("b", "0")
    [end] = search.hand_in("b", "0")
    assert isinstance(end, EndTrial)
    [answer] = search.tell(OracleAnswered(end, error=error))
    assert answer == Answer(end.caller, error=error)


@pytest.mark.parametrize("retries", [0, 1])
def test_an_error_that_no_worker_waits_for_ends_the_search(retries: int) -> None:
    """A trial would be lost without a word: neither ended nor repeated."""
    search = Search("a", retries=retries)
    search.run("a", "0")
    order = search.lose("a")[-1]
    assert isinstance(order, (FailTrial, GiveBack))
    error = ValueError("broken")
    assert Raise(error) in search.tell(OracleAnswered(order, error=error))


def test_workers_that_die_before_they_get_to_a_trial_end_the_search() -> None:
    """They would be restarted for ever."""
    search = Search("a", "b", "c")
    assert search.lose("a") == [] and search.lose("b") == []
    assert search.lose("c") == [GiveUp("c", "it died", 3)]


@pytest.mark.parametrize("excuse", ["had a trial", "closed"])
def test_not_every_worker_without_a_trial_was_useless(excuse: str) -> None:
    """A search would end because its workers did what they should."""
    search = Search("a", "b", "c", retries=1)
    search.lose("a")
    search.lose("b")
    if excuse == "had a trial":
        search.run("c", "0")
    else:
        search.tell(Closed())
    assert not any(isinstance(i, GiveUp) for i in search.lose("c"))
    search.tell(WorkerAdded("d"))
    assert not any(isinstance(i, GiveUp) for i in search.lose("d"))


class Oracle:
    """What the oracle's thread does, and an account of it."""

    def __init__(self, chance: random.Random, trials: int) -> None:
        self.orders: collections.deque[Order] = collections.deque()
        self.running: dict[str, str] = {}
        self.waiting: list[str] = []
        self.ends: collections.Counter[str] = collections.Counter()
        self.created = 0
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
            return TrialState(self._suggest(order.caller.worker_id))
        if isinstance(order, LookAhead):
            if not self.waiting and self.created < self._trials:
                self.waiting.append(self._new())
            return bool(self.waiting)
        if isinstance(order, EndTrial):
            return self._end(order.state["trial_id"], order.state["status"])
        if isinstance(order, FailTrial):
            return self._end(order.trial_id, "FAILED")
        if isinstance(order, GiveBack):
            self._stop_running(order.trial_id)
            self.waiting.append(order.trial_id)
        return None

    def _suggest(self, worker: str) -> dict[str, Any]:
        assert worker not in self.running.values()
        if self._chance.random() < 0.2:
            return _state("", "IDLE")  # As Hyperband's, between its rounds.
        if self.waiting:
            trial_id = self.waiting.pop(0)
        elif self.created < self._trials:
            trial_id = self._new()
        else:
            return _state("", "STOPPED")
        self.running[trial_id] = worker
        return _state(trial_id, "RUNNING")

    def _new(self) -> str:
        self.created += 1
        return str(self.created - 1)

    def _end(self, trial_id: str, status: str) -> dict[str, Any]:
        self._stop_running(trial_id)
        if status == "INVALID":
            self.waiting.append(trial_id)
        else:
            self.ends[trial_id] += 1
        return _state(trial_id, status)

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
            if does == "leaves" or (not calm and self._chance.random() < 0.1):
                actions.append(lambda w=worker: self._exit(w))
        if dispatcher_.deadline is not None:
            actions.append(self._wait)
        return actions

    def _start_worker(self) -> None:
        worker = f"worker-{self._started}"
        self._started += 1
        self._workers[worker] = "begins"
        self._tell(WorkerAdded(worker))

    def _ask(self, worker: str) -> None:
        self._workers[worker] = "waits"
        self._tell(TrialWanted(self._search.caller(worker)))

    def _hand_in(self, worker: str, calm: bool) -> None:
        trial_id = self._trials.pop(worker)
        statuses = ["COMPLETED", "FAILED"] + ([] if calm else ["INVALID"])
        status = self._chance.choice(statuses)
        ran_out = status == "FAILED" and self._chance.random() < 0.3
        if ran_out:
            self._ran_out.add(trial_id)
        state = _state(trial_id, status, "because")
        self._workers[worker] = "waits"
        self._tell(TrialHandedIn(self._search.caller(worker), state, ran_out))

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
                assert self._workers[instruction.caller.worker_id] == "waits"
                self._workers[instruction.caller.worker_id] = "leaves"
            elif isinstance(instruction, Tell):
                if isinstance(instruction.event, events.TrialEnded):
                    self._ran_out.discard(instruction.event.trial_id)
            else:
                assert isinstance(instruction, GiveUp)

    def _answer(self, answer: Answer) -> None:
        worker = answer.caller.worker_id
        assert self._workers[worker] == "waits" and answer.error is None
        self._workers[worker] = "begins"
        if isinstance(answer.value, TrialState):
            self._workers[worker] = "has a trial"
            self._trials[worker] = answer.value.state["trial_id"]

    def _check(self) -> None:
        """What holds at any time."""
        running = self._dispatcher.running
        assert {a.worker_id: a.trial_id for a in running} == self._trials
        trials = list(self._trials.values())
        assert len(trials) == len(set(trials)), "two workers have one trial"


@pytest.mark.parametrize("seed", range(200))
def test_whatever_happens_each_trial_ends_once(seed: int) -> None:
    """There are orders of events that nobody has thought of."""
    simulation = Simulation(seed)
    simulation.run()
    assert simulation.oracle.ends == {str(i): 1 for i in range(simulation.TRIALS)}
