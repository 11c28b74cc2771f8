"""Who gets which trial, and what becomes of it: without a process, a thread or a clock."""

import pytest

from tests.support.dispatching import Search, state
from tuner_component.search import events
from tuner_component.search.kerastuner.codec import TrialState
from tuner_component.search.oracle.failures import Tries
from tuner_component.search.parallel.driver import waiting
from tuner_component.search.parallel.driver.instructions import (
    Answer,
    Caller,
    CleanUp,
    Closed,
    DeadlinePassed,
    Dismiss,
    EndTrial,
    Excuse,
    FailTrial,
    GiveBack,
    GiveUp,
    LookAhead,
    OracleAnswered,
    PauseTrial,
    Raise,
    Resized,
    Steered,
    Suggest,
    Tell,
    WorkerAdded,
    WorkerGone,
)


def test_a_trial_from_its_suggestion_to_its_end() -> None:
    """No search would run."""
    search = Search("a")
    [suggest] = search.ask("a")
    assert suggest == Suggest(Caller("a", 1))
    given, told = search.suggest(suggest, "0")
    assert given == Answer(Caller("a", 1), TrialState(state("0", "RUNNING")))
    assert told == Tell(events.TrialStarted("0", "a", {"x": 1}))
    [end] = search.hand_in("a", "0")
    assert end == EndTrial(Caller("a", 2), state("0", "COMPLETED"))
    assert not search.dispatcher.over  # Its end is not durable yet.
    assert search.end(end) == [
        Answer(Caller("a", 2), "COMPLETED"),
        Tell(events.TrialEnded("0", True, 0.5, None)),
    ]
    assert search.ask("a") == [CleanUp("0"), Suggest(Caller("a", 3))]


def test_a_trial_is_ended_and_the_next_suggested_at_once() -> None:
    """The driver would wake and commit twice for each trial."""
    search = Search("a")
    search.run("a", "0")
    end, clean, suggest = search.hand_in("a", "0", asks=True)
    then = Caller("a", 3)
    assert end == EndTrial(Caller("a", 2), state("0", "COMPLETED"), then)
    assert (clean, suggest) == (CleanUp("0"), Suggest(then))
    assert search.end(end)[0] == Answer(Caller("a", 2), "COMPLETED")
    given, *_ = search.suggest(suggest, "1")
    assert given == Answer(then, TrialState(state("1", "RUNNING")))


def test_a_worker_whose_trial_does_not_end_gets_no_other() -> None:
    """It does not wait for one: the trial would never run, and count as lost."""
    search = Search("a")
    search.run("a", "0")
    end, _, suggest = search.hand_in("a", "0", asks=True)
    error = ValueError("the oracle's own")
    assert search.tell(OracleAnswered(end, None, error)) == [
        Answer(Caller("a", 2), None, error)
    ]
    _, back = search.suggest(suggest, "1")
    assert isinstance(back, GiveBack) and back.excused and back.trial_id == "1"
    assert search.ask("a")[-1] == Suggest(Caller("a", 4))


def test_a_worker_whose_trial_does_not_end_leaves_the_line() -> None:
    """It would be given a trial for a request that it has forgotten."""
    search = Search("a", "b")
    search.run("a", "0")
    [suggest] = [i for i in search.ask("b") if isinstance(i, Suggest)]
    search.none(suggest, "IDLE")
    end, _ = search.hand_in("a", "0", asks=True)
    told = search.tell(OracleAnswered(end, None, ValueError()))
    assert Suggest(Caller("b", 2)) in told
    assert Suggest(Caller("a", 4)) not in told
    answers = search.suggest(Suggest(Caller("b", 2)), "1")
    assert Suggest(Caller("a", 4)) not in answers


def test_a_request_with_another_workers_trial_is_not_heard() -> None:
    """What is refused must leave nothing behind."""
    search = Search("a", "b")
    search.run("a", "0")
    [answer] = search.hand_in("b", "0", asks=True)
    assert isinstance(answer, Answer) and isinstance(answer.error, ValueError)
    assert search.ask("b") == [Suggest(Caller("b", 4))]


def test_a_worker_that_ran_out_of_memory_and_asks_is_dismissed() -> None:
    """It would go on with the memory that it could not free."""
    search = Search("a")
    search.run("a", "0")
    told = search.hand_in("a", "0", "FAILED", ran_out=True, asks=True)
    assert Answer(Caller("a", 2), "RUNNING") in told
    assert Dismiss(Caller("a", 3)) in told


def test_a_trial_that_pauses_leaves_its_worker() -> None:
    """A pause would be an end, or its worker wait for ever."""
    search = Search("a")
    search.run("a", "0")
    [pause] = search.pause("a", "0")
    assert pause == PauseTrial(Caller("a", 2), "0")
    assert search.dispatcher.running == []
    assert not search.dispatcher.over  # It is not durable yet.
    assert search.paused(pause, 3) == [
        Answer(Caller("a", 2)),
        Tell(events.TrialPaused("0", 3)),
    ]
    assert search.ask("a") == [Suggest(Caller("a", 3))]


def test_a_trial_goes_on_with_the_attempt_that_was_paused() -> None:
    """One that pauses often would run out of attempts."""
    search = Search("a", "b", retries=1)
    search.run("a", "0")
    [pause] = search.pause("a", "0")
    search.paused(pause, 3)
    search.run("b", "0")
    [running] = search.dispatcher.running
    assert (running.worker_id, running.number) == ("b", 1)
    search.lose_and_repeat("b")
    search.run("a", "0")
    [running] = search.dispatcher.running
    assert running.number == 2
    assert search.lose("a") == [FailTrial("0", "it died, at attempt 2")]


def test_only_the_worker_that_runs_a_trial_pauses_it() -> None:
    """A trial would be handed out while it runs."""
    search = Search("a", "b")
    search.run("a", "0")
    [refused] = search.pause("b", "0")
    assert isinstance(refused, Answer) and isinstance(refused.error, ValueError)
    assert [attempt.trial_id for attempt in search.dispatcher.running] == ["0"]


def test_what_waits_is_asked_for_again_after_a_pause() -> None:
    """The search would end, or stand still, though the oracle would go on with it."""
    search = Search("a", "b")
    search.run("a", "0")
    [suggest] = search.ask("b")
    assert search.none(suggest, "STOPPED") == []
    [pause] = search.pause("a", "0")
    *_, again = search.paused(pause, 3)
    assert again == Suggest(Caller("b", 2))
    search.suggest(again, "0")
    assert [attempt.worker_id for attempt in search.dispatcher.running] == ["b"]


def test_paused_trials_that_end_are_told_of_and_cleaned_up() -> None:
    """People would see them as paused for ever, and their weights stay."""
    search = Search("a")
    search.run("a", "0")
    [pause] = search.pause("a", "0")
    search.paused(pause, 3)
    [suggest] = search.ask("a")
    told = search.none(suggest, "STOPPED", state("0", "COMPLETED"))
    assert told == [
        Tell(events.TrialEnded("0", True, 0.5, None)),
        CleanUp("0", was_paused=True),
    ]
    search.answer(CleanUp("0", was_paused=True))
    assert search.dispatcher.over


def test_a_worker_gets_one_trial_at_a_time() -> None:
    """One that asks in two threads would run a trial twice, or two at once."""
    search = Search("a")
    [suggest] = search.ask("a")
    [refused] = search.ask("a")
    assert isinstance(refused, Answer) and isinstance(refused.error, ValueError)
    search.suggest(suggest, "0")
    [again] = search.ask("a")
    assert again == Answer(Caller("a", 3), TrialState(state("0", "RUNNING")))
    assert search.dispatcher.running[0].number == 1


def test_attempts_of_earlier_runs_count() -> None:
    """A trial that kills its workers would be repeated in each run."""
    search = Search("a", retries=2, tries={"0": Tries(attempts=2, lost=2)})
    search.run("a", "0")
    assert search.lose("a") == [FailTrial("0", "it died, at attempt 3")]


def test_a_last_chance_is_the_last() -> None:
    """It would be followed by another, for ever."""
    tries = {"0": Tries(attempts=2, interrupted=2, ran_out=True)}
    search = Search("a", "b", retries=1, tries=tries)
    search.run("b", "1")  # It does not wait for the end of the other.
    search.run("a", "0")
    assert [attempt.last for attempt in search.dispatcher.running] == [True, False]
    assert search.lose("a") == [FailTrial("0", "it died, at attempt 3")]


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
    search.answer(GiveBack("0", "it died"))
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


def test_what_goes_down_with_its_node_has_a_last_chance() -> None:
    """Trials would fail for the sake of one that takes their node down."""
    search = Search("a", "b", "c", "d", retries=0)
    search.run("a", "0")
    search.run("b", "1")
    for worker, trial_id in [("a", "0"), ("b", "1")]:
        told, order = search.lose_node(worker)
        assert isinstance(told, Tell)
        assert order == GiveBack(trial_id, "its node died", interrupted=True)
        search.answer(order)
    search.run("c", "0")
    [attempt] = search.dispatcher.running
    assert attempt.last and attempt.alone
    *_, order = search.lose_node("c")
    assert order == GiveBack("0", "its node died", interrupted=True, last=True)
    [told, *_] = search.answer(order, state("0", "FAILED", "its last chance"))
    assert isinstance(told, Tell) and isinstance(told.event, events.TrialEnded)
    assert not told.event.completed
    search.run("d", "1")
    assert search.dispatcher.running[0].last


def test_a_trial_that_gets_further_on_each_node_has_all_its_chances() -> None:
    """On machines that are taken away no long trial would come to its end."""
    search = Search("a", "b", "c", retries=0)
    for epoch, worker in enumerate("abc", start=1):
        search.run(worker, "0")
        assert not search.dispatcher.running[0].last
        *_, order = search.lose_node(worker)
        search.give_back(order, epoch)


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
    search.answer(give_back)
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
    search.answer(give_back)
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
    search.now += waiting.ASK_AGAIN_S
    [order] = search.tell(DeadlinePassed())
    assert isinstance(order, Suggest) and order.caller.worker_id == "b"


def test_an_idle_oracle_is_asked_again_later() -> None:
    """A search would stand still, or keep a core busy with asking."""
    search = Search("a")
    search.none(search.ask("a")[0], "IDLE")
    assert search.dispatcher.deadline == search.now + waiting.ASK_AGAIN_S
    assert not search.dispatcher.wants_worker
    search.now += waiting.ASK_AGAIN_S / 2
    assert search.tell(WorkerAdded("b")) == []
    search.now += waiting.ASK_AGAIN_S / 2
    [suggest] = search.tell(DeadlinePassed())
    assert isinstance(suggest, Suggest)
    assert search.dispatcher.deadline is None


def test_an_idle_oracle_whose_last_worker_died_is_asked_again() -> None:
    """The search would wait for ever: nobody is left to ask for a trial."""
    search = Search("a")
    search.none(search.ask("a")[0], "IDLE")
    search.lose("a")
    assert not search.dispatcher.wants_worker and not search.dispatcher.over
    assert search.dispatcher.deadline == search.now + waiting.ASK_AGAIN_S
    search.now += waiting.ASK_AGAIN_S
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
    [suggest] = search.answer(give_back)  # type: ignore[arg-type]
    assert isinstance(suggest, Suggest) and suggest.caller.worker_id == "b"


def test_a_closed_search_hands_out_nothing() -> None:
    """A search that was told to stop would start another trial."""
    search = Search("a", "b", "c")
    search.run("a", "0")
    [suggest] = search.ask("b")  # It is under way.
    search.close()
    excuse, dismissed = search.suggest(suggest, "1")
    search.answer(Excuse(("1",)))
    assert excuse == Excuse(("1",))
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
    [excuse] = search.tell(Closed())
    assert excuse == Excuse(("0",))
    assert search.lose("a") == []
    assert not search.dispatcher.over  # The next run must know of it.
    search.answer(Excuse(("0",)))
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
    search.answer(give_back)
    search.run("b", "0")
    assert search.dispatcher.running[0].number == 1


def test_a_worker_that_is_gone_before_it_heard_that_there_is_none() -> None:
    """The next trial would be suggested for a worker that does not exist."""
    search = Search("a", "b")
    [suggest] = search.ask("a")
    search.lose("a")
    search.none(suggest, "IDLE")
    assert search.dispatcher.deadline is not None
    search.now += waiting.ASK_AGAIN_S
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


def checked(*workers: str) -> Search:
    """A search that its first worker checks before it asks for a trial."""
    search = Search()
    search.tell(WorkerAdded("checker", checks=True))
    for worker in workers:
        search.tell(WorkerAdded(worker))
    return search


def test_a_failure_waits_for_the_check() -> None:
    """A search that cannot succeed would try more trials, and not say what is wrong."""
    search = checked("a", "b", "c")
    for worker, trial_id in (("a", "0"), ("b", "1"), ("c", "2")):
        search.run(worker, trial_id)
    assert search.hand_in("a", "0", "FAILED", asks=True) == []
    assert search.hand_in("b", "1", "FAILED") == []
    assert isinstance(search.hand_in("c", "2")[0], EndTrial)  # There is a result.
    assert len(search.dispatcher.running) == 2 and not search.dispatcher.over
    first, clean, second, *suggested = search.ask("checker")
    assert isinstance(first, EndTrial) and first.state["trial_id"] == "0"
    assert isinstance(second, EndTrial) and second.state["trial_id"] == "1"
    assert clean == CleanUp("0")
    assert len(suggested) == 2 and all(isinstance(s, Suggest) for s in suggested)
    assert not search.dispatcher.running


def test_failures_count_at_once_after_the_check() -> None:
    """A worker would wait for a check that was done long ago."""
    search = checked("a")
    search.run("checker", "0")
    search.run("a", "1")
    assert isinstance(search.hand_in("a", "1", "FAILED")[0], EndTrial)


@pytest.mark.parametrize("gone", ["a", "checker"])
def test_a_failure_counts_if_there_will_be_no_answer(gone: str) -> None:
    """A trial that has failed would be run again, or its worker wait for ever."""
    search = checked("a")
    search.run("a", "0")
    search.hand_in("a", "0", "FAILED")
    end, *_ = search.lose(gone)
    assert isinstance(end, EndTrial)
    told = [i for i in search.end(end, "FAILED") if isinstance(i, Answer)]
    assert len(told) == (gone == "checker")


def test_a_failure_counts_when_the_search_is_stopped() -> None:
    """A search that is stopped during its check would wait for it."""
    search = checked("a")
    search.run("a", "0")
    search.hand_in("a", "0", "FAILED")
    assert [type(i) for i in search.tell(Closed())] == [EndTrial]


def test_surplus_workers_leave_as_soon_as_they_run_no_trial() -> None:
    """They would take trials for ever, or leave theirs unfinished."""
    search = Search("a", "b", "c")
    search.run("a", "0")
    [none] = search.ask("b")
    assert isinstance(none, Suggest)
    assert search.none(none, "IDLE") == []
    # Who waits leaves at once, who runs a trial after that.
    assert search.tell(Resized(frozenset("ab"))) == [Dismiss(none.caller)]
    end, clean, gone = search.hand_in("a", "0", asks=True)
    assert (type(end), clean, type(gone)) == (EndTrial, CleanUp("0"), Dismiss)
    search.end(end)
    assert [type(i) for i in search.ask("c")] == [Suggest]


def test_worker_that_is_not_surplus_any_more_stays() -> None:
    """Each change of the number would cost all workers that were ever surplus."""
    search = Search("a", "b")
    search.run("a", "0")
    search.tell(Resized(frozenset("a")))
    search.tell(Resized(frozenset()))
    *_, suggest = search.hand_in("a", "0", asks=True)
    assert isinstance(suggest, Suggest)


def test_surplus_workers_are_not_useless() -> None:
    """To have fewer workers would end the search."""
    search = Search("a", "b", "c", "d")
    search.tell(Resized(frozenset("bcd")))
    for worker in "bcd":
        assert search.tell(WorkerGone(worker, "it has exited")) == []


def test_what_is_asked_for_is_looked_for_at_once() -> None:
    """Free workers would wait although there is something to do."""
    search = Search("a", "b")
    search.run("a", "0")
    [suggest] = search.ask("b")
    assert search.none(suggest, "STOPPED") == []
    assert search.tell(Steered()) == [suggest]
