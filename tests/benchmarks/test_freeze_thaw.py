"""The prototype of a search that pauses trials."""

from typing import Any

import numpy as np

from benchmarks import freeze_thaw, replay, synthetic_curves


class Watched(freeze_thaw.FreezeThaw):
    """Keeps the trials that it has started."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.started: list[replay.Trial] = []

    def begin(self) -> replay.Trial | None:
        trial = super().begin()
        if trial is not None:
            self.started.append(trial)
        return trial


def test_a_paused_trial_goes_on_where_it_was() -> None:
    """Epochs would be trained twice, or left out."""
    table = synthetic_curves.late_bloomers()
    search = Watched(table.space, 1)
    replay.run(search, table, 2, 8 * table.training_s)
    reached: dict[Any, int] = {}
    for trial in search.started:
        assert trial.begin == reached.get(trial.place, 0)
        reached[trial.place] = trial.end
    assert {1, 27} < set(reached.values())


def test_the_model_tells_late_bloomers_from_others() -> None:
    """What starts slowly would be given up as by a rule that compares losses."""
    draw = np.random.default_rng(0)
    slow = draw.random((60, 2))
    # The larger the first coordinate, the worse after one epoch and the better at last.
    early, late = 2.0 + slow[:, 0], 2.0 - slow[:, 0]
    model = freeze_thaw.CurveModel(2)
    points = np.concatenate([slow, slow[:20]])
    epochs = np.concatenate([np.full(60, 1.0), np.full(20, 27.0)])
    model.fit(points, epochs, np.concatenate([early, late[:20]]))
    model.tune(draw)
    model.fit(points, epochs, np.concatenate([early, late[:20]]))
    gains = model.improvement(slow[20:], float(late[:20].min()))
    chosen = np.argsort(gains)[-5:]
    assert slow[20:][chosen, 0].min() > 0.7
