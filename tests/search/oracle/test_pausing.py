"""What an oracle that pauses trials may answer."""

from typing import Any

import keras_tuner
import pytest

from tests.support.paused_search import halving
from tuner_component.search.epochs import Decision
from tuner_component.search.errors import SearchError
from tuner_component.search.oracle.pausing import PausingOracle


def asking(**answers: Any) -> PausingOracle:
    """An oracle with these answers."""
    oracle = halving()
    for name, answer in answers.items():
        setattr(oracle, name, lambda *args, answer=answer: answer)
    return PausingOracle(oracle)


def test_an_oracle_that_does_not_pause_is_asked_nothing() -> None:
    """KerasTuner's own would raise."""
    plain = keras_tuner.oracles.RandomSearchOracle("loss", 9)
    oracle = PausingOracle(plain)
    assert not oracle.pauses and not oracle.is_rung(1)
    assert oracle.next_paused(["0"]) is None and oracle.hopeless(["0"]) == []


def test_half_an_oracle_is_refused() -> None:
    """A method with a wrong name would never be called, and nobody see it."""

    class Half(keras_tuner.Oracle):  # type: ignore[misc]
        def is_rung(self, epochs: int) -> bool:
            return True

    with pytest.raises(TypeError, match="without after_epoch, next_paused, hopeless"):
        PausingOracle(Half("loss", 9))


@pytest.mark.parametrize(
    ("method", "answer", "args"),
    [
        ("after_epoch", True, ("decide", "0", 1, [1.0], True)),
        ("next_paused", "7", ("next_paused", ["0"])),
        ("hopeless", ["0", "7"], ("hopeless", ["0"])),
    ],
)
def test_a_wrong_answer_is_named(method: str, answer: Any, args: Any) -> None:
    """It would end in a bare traceback, or be acted on."""
    call = getattr(asking(**{method: answer}), args[0])
    with pytest.raises(SearchError, match=f"Expected Halving.{method} to return"):
        call(*args[1:])


def test_an_error_of_the_oracle_is_the_searchs() -> None:
    """Trials would fail for it, one after the other."""
    oracle = halving()
    oracle.after_epoch = lambda *args: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(SearchError, match="after_epoch to answer. Received: ZeroDivis"):
        PausingOracle(oracle).decide("0", 1, [1.0], True)


def test_a_pause_that_is_not_possible_is_a_stop() -> None:
    """A trial would wait with nothing to go on from."""
    oracle = asking(after_epoch=Decision.PAUSE)
    assert oracle.decide("0", 1, [1.0], True) is Decision.PAUSE
    assert oracle.decide("0", 1, [1.0], False) is Decision.STOP


def test_there_may_be_nothing_to_choose_from() -> None:
    """An oracle would have to look whether trials are paused each time."""
    oracle = asking(next_paused=1, hopeless=2)
    assert oracle.next_paused([]) is None
    assert oracle.hopeless([]) == []
