"""Hyperparameters with names of columns are warned of."""

import pytest

from tuner_component.publishing.names import NameWatcher
from tuner_component.search import events


def test_name_of_a_column_is_warned_of_once_when_the_search_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """People would look for a hyperparameter in vain, hours later."""
    watch = NameWatcher()
    space = [{"config": {"name": "score"}}, {"config": {"name": "rate"}}]
    watch(events.SearchStarted("/s", "val_loss", "min", 0, space=space))
    assert len(caplog.messages) == 1
    assert "'score' is the column 'hp.score' of tuner_results.json" in caplog.text
    watch(events.TrialStarted("0", "worker-0", {"score": 1, "rate": 2, "trial_id": 3}))
    watch(events.TrialStarted("1", "worker-0", {"score": 1, "rate": 2, "trial_id": 3}))
    assert len(caplog.messages) == 2
    assert "'trial_id' is the column 'hp.trial_id'" in caplog.messages[1]
