"""What callbacks have counted, and what belongs to the process that ran them."""

import collections
import dataclasses
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tuner_component.search.epoch_state.callback_state import CallbackStates
from tuner_component.search.storage import arrays

X = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)


@pytest.fixture(scope="module")
def model() -> Any:
    """A model for callbacks that look at one; none here trains it."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


class Process:
    """A callback in a training, as one process runs it."""

    def __init__(self, model: Any, callback: Any) -> None:
        self.callback = callback
        self.model = model
        callback.set_model(model)
        callback.set_params({"epochs": 9})
        callback.on_train_begin()
        self.states = CallbackStates([callback], [model])

    def epochs(self, *losses: float, first: int = 0) -> None:
        for epoch, loss in enumerate(losses, first):
            self.callback.on_epoch_begin(epoch)
            self.callback.on_epoch_end(epoch, {"loss": loss})

    def interrupted(self, metrics: tuple[float, ...] = ()) -> Any:
        states = self.states.capture([self.model], [], set(metrics))
        return arrays.decode(arrays.encode(states))

    def resumed(self, saved: Any) -> dict[str, str]:
        return self.states.restore(saved, [self.model], [])


def handed_on(
    model: Any, make: Callable[[], Any], *losses: float
) -> tuple[Any, dict[str, str]]:
    """A callback after an interruption, and what is not as it was."""
    before, after = Process(model, make()), Process(model, make())
    before.epochs(*losses)
    left = after.resumed(before.interrupted(losses))
    return after.callback, left


def test_early_stopping_keeps_its_patience_and_best_weights(model: Any) -> None:
    """Each interruption would grant the trial its whole patience again."""

    def make() -> Any:
        return keras.callbacks.EarlyStopping(
            "loss", patience=3, restore_best_weights=True
        )

    after, left = handed_on(model, make, 1.0, 0.5, 0.6, 0.7)
    assert not left
    assert (after.wait, after.best, after.best_epoch) == (2, 0.5, 1)
    assert [weights.shape for weights in after.best_weights] == [(4, 1), (1,)]
    after.on_epoch_end(4, {"loss": 0.8})
    assert model.stop_training
    model.stop_training = False


def test_min_delta_keeps_its_sign(model: Any) -> None:
    """Keras turns it once per training: restored, it would be turned back."""

    def make() -> Any:
        return keras.callbacks.ReduceLROnPlateau("loss", patience=5, min_delta=0.1)

    after, _ = handed_on(model, make, 1.0)
    after.on_epoch_end(1, {"loss": 0.95})  # Not better by min_delta.
    assert after.wait == 1
    assert after.min_delta == -0.1


def test_swapped_weights_are_known_to_be_swapped(model: Any) -> None:
    """The training that goes on would train the averages of the weights."""

    class Swapping(keras.callbacks.SwapEMAWeights):  # type: ignore[misc]
        def _swap_variables(self) -> None:
            """The model here has no averages."""

    after, left = handed_on(model, lambda: Swapping(swap_on_epoch=True), 1.0)
    assert not left
    assert after._ema_weights_in_model


class Saving(keras.callbacks.ModelCheckpoint):  # type: ignore[misc]
    """Writes which epoch is the best, instead of a model."""

    def _save_model(self, epoch: int, batch: Any, logs: Any) -> None:
        if self._should_save_model(epoch, batch, logs, self.filepath):
            Path(self.filepath).parent.mkdir(exist_ok=True)
            Path(self.filepath).write_text(f"epoch {epoch}")


def test_the_best_epoch_is_where_the_new_process_looks_for_it(
    model: Any, tmp_path: Path
) -> None:
    """Code that loads it after the training would fail, or load another model's."""
    paths = iter([tmp_path / "old" / "best.h5", tmp_path / "new" / "best.h5"])

    def make() -> Any:
        return Saving(next(paths), "loss", save_best_only=True)

    after, left = handed_on(model, make, 2.0, 1.0, 3.0)
    assert not left
    after.on_epoch_end(3, {"loss": 1.5})
    assert (tmp_path / "new" / "best.h5").read_text() == "epoch 1"


def test_a_checkpoint_that_cannot_be_read_is_named(model: Any, tmp_path: Path) -> None:
    """The training would fail for it, or lack the file without a word."""

    def make() -> Any:
        return keras.callbacks.ModelCheckpoint(
            tmp_path / "a.keras", "loss", save_freq=9
        )

    (tmp_path / "a.keras").mkdir()
    _, left = handed_on(model, make, 1.0)
    assert list(left) == ["ModelCheckpoint.filepath"]


class PatientStopping(keras.callbacks.EarlyStopping):  # type: ignore[misc]
    """A user's own kind of Keras' callback."""

    seen = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        self.seen += 1


def test_a_subclass_of_keras_callback_keeps_both(model: Any) -> None:
    """What the user's class adds, or what Keras' class has counted, would be lost."""
    after, _ = handed_on(model, lambda: PatientStopping("loss", patience=9), 1.0, 2.0)
    assert (after.seen, after.wait, after.best) == (2, 1, 1.0)


@dataclasses.dataclass
class Tracker:
    """An object of the user's that a callback holds."""

    total: float = 0.0


class Counting(keras.callbacks.Callback):  # type: ignore[misc]
    """A user's callback, with all kinds of counts."""

    def __init__(self, path: str = "/here") -> None:
        super().__init__()
        self.path = path
        self.validation_data = (X, X[:, :1])
        self.epochs_seen = 0
        self.best = float("inf")
        self.losses: list[float] = []
        self.last = collections.deque[float](maxlen=2)
        self.kinds = collections.Counter[str]()
        self.by_kind = collections.defaultdict[str, list[float]](list)
        self.distinct: set[float] = set()
        self.histogram = np.zeros(3, "int64")
        self.tracker = Tracker()
        self.generator = np.random.default_rng(3)
        self.phase = "warm up"

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        loss = logs["loss"]
        self.epochs_seen += 1
        self.best = min(self.best, loss)
        self.losses.append(loss)
        self.last.append(loss)
        self.kinds["low" if loss < 1 else "high"] += 1
        self.by_kind["low" if loss < 1 else "high"].append(loss)
        self.distinct.add(loss)
        self.histogram[min(int(loss), 2)] += 1
        self.tracker.total += loss
        self.drawn = self.generator.random()
        self.phase = "train"


def counts(callback: Counting) -> Any:
    return [
        callback.epochs_seen,
        callback.best,
        callback.losses,
        callback.last,
        callback.last.maxlen,
        callback.kinds,
        callback.by_kind,
        callback.distinct,
        callback.histogram.tolist(),
        callback.tracker,
        callback.drawn,
        callback.phase,
    ]


def test_a_users_counts_come_back_whatever_they_are_kept_in(model: Any) -> None:
    """A deque, a Counter, a set or an array would silently begin again."""
    whole, before = Process(model, Counting()), Process(model, Counting())
    after = Process(model, Counting())
    whole.epochs(1.5, 0.5, 2.5)
    before.epochs(1.5, 0.5)
    assert not after.resumed(before.interrupted())
    assert counts(after.callback) == counts(before.callback)
    after.epochs(2.5, first=2)  # It can be worked with, too.
    assert counts(after.callback) == counts(whole.callback)


def test_a_callback_that_goes_on_can_be_interrupted_again(model: Any) -> None:
    """The second interruption would lose what the first one kept."""
    before, after = Process(model, Counting()), Process(model, Counting())
    before.epochs(1.5, 0.5)
    after.resumed(before.interrupted())
    last = Process(model, Counting())
    last.resumed(after.interrupted())
    assert counts(last.callback) == counts(before.callback)


def test_what_is_set_up_is_that_of_the_new_process(model: Any) -> None:
    """Paths would be those of the interrupted run, its data in every checkpoint."""
    before, after = Process(model, Counting("/there")), Process(model, Counting())
    before.epochs(1.0)
    saved = before.interrupted()
    assert not [v for v in saved[0]["values"] if v[1] in ("path", "validation_data")]
    after.resumed(saved)
    assert after.callback.path == "/here"


class Now:
    """A clock that is not this machine's: each process has its own."""

    def __init__(self) -> None:
        self.seconds = 0.0


class TimeStopping(keras.callbacks.Callback):  # type: ignore[misc]
    """As TensorFlow Addons': ends a training after some seconds."""

    def __init__(self, now: Now) -> None:
        super().__init__()
        self.now = now

    def on_train_begin(self, logs: Any = None) -> None:
        self.stopping_time = self.now.seconds + 20
        self.pid = os.getpid()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen = epoch + 1
        self.is_over = self.now.seconds >= self.stopping_time


def test_a_time_limit_begins_again_and_the_log_says_so(model: Any) -> None:
    """The training that goes on would end at its first epoch, as a completed trial."""
    before = Process(model, TimeStopping(Now()))
    before.epochs(1.0)
    now = Now()
    now.seconds = 1000.0
    after = Process(model, TimeStopping(now))
    left = after.resumed(before.interrupted())
    after.epochs(0.5, first=1)
    assert (after.callback.seen, after.callback.is_over) == (2, False)
    assert sorted(left) == ["TimeStopping.now.seconds", "TimeStopping.stopping_time"]
    assert all("set before the first epoch" in why for why in left.values())


class Watching(keras.callbacks.Callback):  # type: ignore[misc]
    """Reads clocks and ids after each epoch, and opens files."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seen_at = time.time()
        self.ticks = time.monotonic()
        self.stamps = [*getattr(self, "stamps", []), time.perf_counter()]
        self.pid = os.getpid()
        self.best_path = "/scratch/best.keras"
        self.file = open(os.devnull)  # noqa: SIM115
        self.best = logs["loss"]


def test_times_ids_and_handles_stay_out_and_the_log_says_so(model: Any) -> None:
    """The next epoch would last as long as the search was interrupted."""
    callback, left = handed_on(model, Watching, 0.5)
    assert callback.best == 0.5
    lost = ("seen_at", "ticks", "stamps", "pid", "best_path", "file")
    assert not any(hasattr(callback, name) for name in lost)
    assert sorted(left) == sorted(f"Watching.{name}" for name in lost)
    assert left["Watching.seen_at"] == left["Watching.stamps"] == "a time"
    assert "TextIOWrapper" in left["Watching.file"]


def test_callbacks_with_handles_are_left_alone(model: Any) -> None:
    """A profiler that is said to run, and does not, fails when it is stopped."""

    class Logger(keras.callbacks.TensorBoard):  # type: ignore[misc]
        mine = 0

        def __init__(self) -> None:
            super().__init__("/nowhere", profile_batch=0)

        def on_train_begin(self, logs: Any = None) -> None:
            pass

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._is_tracing, self._profiler_started = True, True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.mine += 1

    callback, _ = handed_on(model, Logger, 1.0)
    assert callback.mine == 1
    assert not callback._is_tracing


def test_other_callbacks_at_the_same_place_are_left_alone(model: Any) -> None:
    """A changed list of callbacks would mix their counts up."""
    before = Process(model, Counting())
    before.epochs(1.0)
    after = Process(model, keras.callbacks.EarlyStopping("loss"))
    left = after.resumed(before.interrupted())
    assert not hasattr(after.callback, "losses")
    assert "Expected EarlyStopping to be Counting" in left["EarlyStopping"]


class Declaring(keras.callbacks.Callback):  # type: ignore[misc]
    """Says what its state is."""

    def __init__(self, state: Any = 0) -> None:
        super().__init__()
        self.declared, self.other = state, 0

    def get_state(self) -> Any:
        return {"declared": self.declared}

    def set_state(self, state: Any) -> None:
        self.declared = state["declared"]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.declared, self.other = epoch, epoch


def test_what_a_callback_declares_is_its_state(model: Any) -> None:
    """There would be no way to say what to keep."""
    callback, left = handed_on(model, Declaring, 1.0, 0.5)
    assert (callback.declared, callback.other, left) == (1, 0, {})


def test_a_declared_state_that_cannot_be_kept_is_said(model: Any) -> None:
    """The training would fail, or go on without a word."""
    before, after = Process(model, Declaring(object())), Process(model, Declaring())
    left = after.resumed(before.interrupted())
    assert "get_state gave nothing that can be kept" in left["Declaring"]
