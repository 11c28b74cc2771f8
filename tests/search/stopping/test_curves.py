"""What trials report after each epoch is kept, and told."""

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


def test_a_listener_hears_every_epoch() -> None:
    """A live view would stand still."""
    curves, heard = LearningCurves(), []
    curves.listener = lambda *epoch: heard.append(epoch)
    curves.report("7", 0, 0, {"loss": 3.0})
    assert heard == [("7", 0, 0, {"loss": 3.0})]
