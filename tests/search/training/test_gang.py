"""What several processes of one trial do differently, each for itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import keras_tuner
import numpy as np
import pytest

from tuner_component.search.storage import arrays
from tuner_component.search.training import checkpoint_files, scratch
from tuner_component.search.training.gang import ALONE, Gang
from tuner_component.search.training.instrument import instrument

FIRST, SECOND = Gang(0, 2), Gang(1, 2)


def _tuner(directory: Path) -> Any:
    def build(hp: Any) -> Any:
        hp.Int("x", 0, 9)
        model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    return keras_tuner.RandomSearch(
        build, "val_loss", max_trials=1, directory=directory, project_name="p"
    )


def _search(tuner: Any) -> None:
    data = np.ones((4, 1))
    tuner.search(data, data, epochs=2, validation_data=(data, data), verbose=0)


def test_keras_that_trains_in_one_process_is_refused(tmp_path: Path) -> None:
    """Each process would train the whole model by itself, and nobody would notice."""
    tuner = _tuner(tmp_path)
    instrument(tuner, str(tmp_path / "study"), 1, gang=FIRST)
    expected = r"(?s)Expected model.fit .* all 2 processes .*on tensorflow.*tf_keras"
    with pytest.raises(keras_tuner.errors.FatalRuntimeError, match=expected):
        _search(tuner)


def test_a_process_that_is_alone_may_train(tmp_path: Path) -> None:
    """Nothing could be trained on a cluster any more."""
    tuner = _tuner(tmp_path)
    instrument(tuner, str(tmp_path / "study"), 1, gang=ALONE)
    _search(tuner)
    (trial,) = tuner.oracle.trials.values()
    assert trial.status == "COMPLETED"


def test_only_the_first_process_writes_into_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes would tear each other's files, or delete what a trial goes on from."""
    monkeypatch.setattr(Gang, "require_shared_fit", lambda self: None)
    study = tmp_path / "study"
    (tmp_path / "work").mkdir()
    tuner = _tuner(tmp_path / "work")
    before = {p for p in (tmp_path / "work").rglob("*") if "trial_0" in str(p)}
    with scratch.claimed(str(study), "slot-0-rank-1"):
        instrument(tuner, str(study), 1, gang=SECOND)
        monkeypatch.setattr(tuner.oracle, "save", lambda *args: None)
        _search(tuner)
        written = [p for p in study.rglob("*.weights.h5")]
        assert [p for p in written if "slot-0-rank-1" in str(p)] == written != []
    left = {p for p in (tmp_path / "work").rglob("*.h5")}
    assert left == before == set()
    assert not (study / "trials").exists()


def test_another_process_reads_what_the_first_has_kept(tmp_path: Path) -> None:
    """One would start over where the others go on, and they would wait for each other."""
    directory = checkpoint_files.directory_of(str(tmp_path), "0")
    ours = checkpoint_files.CheckpointFiles(directory)
    ours.write(0, arrays.encode({"epoch": 3}))
    theirs = checkpoint_files.CheckpointFiles(directory, read_only=True)
    assert theirs.take(0) == {"epoch": 3}
    theirs.write(0, b"garbage")
    theirs.forget(0)
    theirs.clear_for_next_run()
    theirs.clear()
    assert theirs.run == 1
    again = checkpoint_files.CheckpointFiles(directory)
    assert (again.run, again.take(0)) == (0, {"epoch": 3})


def test_only_the_first_process_has_a_budget() -> None:
    """The others would take the weights of a large model out of memory for nothing."""
    assert FIRST.budget() is None
    budget = SECOND.budget()
    assert budget is not None and not budget.allows(0, at_end=True)
