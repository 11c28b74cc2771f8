"""The rule that spaces checkpoints."""

import itertools

import pytest

from tuner_component.search.training.write_budget import WriteBudget


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def train(budget: WriteBudget, clock: Clock, epochs: int, cost: float) -> list[int]:
    """Trains epochs of one second; returns those after which a state was written."""
    written = []
    with budget.training():
        for epoch in range(epochs):
            clock.now += 1.0
            if budget.allows(1000):
                with budget.writing(1000):
                    clock.now += cost
                written.append(epoch)
    return written


@pytest.mark.parametrize("cost", [0.001, 0.04, 0.3, 5.0])
def test_writes_cost_at_most_the_share(cost: float) -> None:
    """Checkpoints would slow trainings down by more than was promised."""
    clock = Clock()
    budget = WriteBudget(0.05, clock)
    written = train(budget, clock, epochs=1000, cost=cost)
    assert budget.trained == pytest.approx(1000.0)
    assert budget.spent == pytest.approx(len(written) * cost)
    # The first write may be dearer than assumed, by one write.
    assert budget.spent <= 0.05 * budget.trained + cost


def test_cheap_writes_happen_after_every_epoch() -> None:
    """A crash would cost epochs for no reason."""
    clock = Clock()
    assert train(WriteBudget(0.05, clock), clock, 20, 0.01) == list(range(20))


def test_cheap_writes_are_a_second_apart() -> None:
    """Trainings of milliseconds an epoch would pay the whole share for nothing."""
    clock = Clock()
    budget = WriteBudget(0.05, clock)
    written = 0
    with budget.training():
        for _ in range(804):
            clock.now += 0.125
            if budget.allows(1000):
                with budget.writing(1000):
                    clock.now += 0.005
                written += 1
        # Folds of a cross-validation may be shorter still, and many.
        assert not budget.allows(1000)
        assert budget.allows(1000, at_end=True)
    assert written == 100
    assert budget.spent < 0.006 * budget.trained


def test_dear_writes_are_spaced_by_what_they_cost() -> None:
    """A write of half a second takes ten seconds of training to pay for."""
    clock = Clock()
    written = train(WriteBudget(0.05, clock), clock, 60, 0.5)
    gaps = [later - earlier for earlier, later in itertools.pairwise(written[1:])]
    assert written[0] == 0 and gaps and set(gaps) == {10}


def test_a_write_slower_than_expected_is_paid_back_first() -> None:
    """A disk that turns slow would not slow the writing down."""
    clock = Clock()
    budget = WriteBudget(0.05, clock)
    assert train(budget, clock, 1, 2.0) == [0]
    assert train(budget, clock, 100, 2.0)[0] == 78  # 80 s of training pay for two.


def test_the_first_write_waits_for_its_assumed_cost() -> None:
    """A large model would be written at once, whatever that costs."""
    clock = Clock()
    budget = WriteBudget(0.05, clock)
    with budget.training():
        clock.now += 1.0
        assert budget.allows(100_000)
        assert not budget.allows(1_000_000_000)


def test_a_new_trial_begins_with_an_empty_account() -> None:
    """Long trials would pay for the checkpoints of short ones, or owe for them."""
    clock = Clock()
    budget = WriteBudget(0.05, clock)
    train(budget, clock, 100, 1.0)
    budget.begin_trial()
    assert budget.spent == budget.trained == 0.0
    assert budget.estimate(1000) == 1.0  # What is known of the disk stays known.
    assert budget.estimate(2000) == 2.0


def test_time_between_trainings_does_not_count() -> None:
    """Loading data for an hour would pay for checkpoints of a short training."""
    clock = Clock()
    budget = WriteBudget(0.05, clock)
    clock.now += 3600.0
    assert budget.trained == 0.0
    assert not budget.allows(1)


def test_nothing_is_saved_up_at_the_end() -> None:
    """What a process has trained since its last write would be lost with it."""
    clock, ending = Clock(), []
    budget = WriteBudget(0.05, clock, is_ending=lambda: bool(ending))
    assert train(budget, clock, 5, 10.0) == [0]
    ending.append(True)
    assert train(budget, clock, 5, 10.0) == [0, 1, 2, 3, 4]


def test_share_is_checked() -> None:
    """A share of 5, meant as 5 %, would write all the time."""
    with pytest.raises(ValueError, match=r"share .* in \(0, 1\)\. Received: 5"):
        WriteBudget(5)
