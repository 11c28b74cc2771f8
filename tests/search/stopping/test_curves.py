"""What trials report after each epoch is kept, and told."""

from typing import Any

import pytest

from tuner_component.search.stopping.curves import LearningCurves


def test_curves_are_by_training_and_epoch() -> None:
    """Curves would be mixed up, or shifted where an epoch has no validation."""
    curves = LearningCurves()
    curves.begin("7")
    curves.report("7", 0, 0, {"loss": 3.0})
    curves.report("7", 0, 1, {"loss": 2.0, "val_loss": 4.0})
    curves.report("7", 2, 1, {"loss": 1.0})
    expected = [
        {"loss": [3.0, 2.0], "val_loss": [None, 4.0]},
        {},
        {"loss": [None, 1.0]},
    ]
    assert curves.end("7", "COMPLETED") == {"curves": expected}
    assert curves.end("7", "COMPLETED") == {"curves": []}


def test_another_attempt_begins_an_empty_curve() -> None:
    """The end of an attempt that was lost would be taken for this one's."""
    curves = LearningCurves()
    curves.begin("7")
    curves.report("7", 0, 5, {"loss": 3.0})
    curves.begin("7")
    curves.report("7", 0, 0, {"loss": 2.0})
    assert curves.end("7", "COMPLETED") == {"curves": [{"loss": [2.0]}]}


@pytest.mark.parametrize(
    ("fit", "epoch"),
    [(0, -1), (0, 1.5), (0, 400_000_000), (-1, 0), (0.5, 0), (10**9, 0)],
)
def test_a_number_that_no_epoch_has_is_refused(fit: Any, epoch: Any) -> None:
    """The search would end, or its memory be full of empty places."""
    curves = LearningCurves()
    with pytest.raises((TypeError, ValueError), match="Expected .* Received"):
        curves.report("7", fit, epoch, {"loss": 1.0})
    assert curves.end("7", "COMPLETED") == {"curves": []}


def test_a_trial_has_so_many_values_and_no_more() -> None:
    """Many metrics at a late epoch would fill the memory with empty places."""
    curves = LearningCurves()
    curves.begin("7")
    late = {f"metric {n}": 1.0 for n in range(11)}
    with pytest.raises(ValueError, match="at most 10,000,000 values"):
        curves.report("7", 0, 999_999, late)
    curves.report("7", 0, 9, late)
    assert len(curves.end("7", "COMPLETED")["curves"][0]) == 11


def test_a_listener_hears_every_epoch() -> None:
    """A live view would stand still."""
    curves, heard = LearningCurves(), []
    curves.listener = lambda *epoch: heard.append(epoch)
    curves.report("7", 0, 0, {"loss": 3.0})
    assert heard == [("7", 0, 0, {"loss": 3.0})]
