"""Trials that several processes train together. Imports no framework before a trial."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import types
from pathlib import Path
from typing import Any

import keras_tuner

from tests.support import meeting
from tests.support.scripts import Script
from tuner_component import report_epoch

TARGET = f"{__name__}:make"


def rank() -> int:
    """Which of the trial's processes this is."""
    return int(os.environ["JAX_PROCESS_ID"])


class Together(keras_tuner.Tuner):
    """All processes note that they were there; what the script says happens in some."""

    script: Script

    def run_trial(self, trial: Any) -> Any:
        number = int(trial.trial_id)
        path = Path(self.script.directory, f"attempts-{number}-rank-{rank()}")
        with path.open("ab") as file:
            file.write(b".")
        _join(Path(self.script.directory, f"together-{number}"))
        acts = self.script.acts.get(str(number), [self.script.act])
        act = acts[min(path.stat().st_size - 1, len(acts) - 1)]
        name, _, who = act.partition(" of ")
        return _ACTS[name](self, trial, not who or int(who) == rank())


def _join(path: Path) -> None:
    """Waits until both processes have begun, as their frameworks do."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path)
    path.open("w" if rank() else "r").close()


def _note(tuner: Together, trial: Any, _: bool) -> float:
    """What the first process has drawn reaches all of them."""
    space = tuner.oracle.get_space().space
    facts = {
        "values": trial.hyperparameters.values,
        "tf_config": json.loads(os.environ["TF_CONFIG"]),
        "size": int(os.environ["JAX_NUM_PROCESSES"]),
        "coordinator": os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"],
        "directory": str(tuner.get_trial_dir(trial.trial_id)),
        "space": len(space),
    }
    name = f"facts-{trial.trial_id}-rank-{rank()}.json"
    Path(tuner.script.directory, name).write_text(json.dumps(facts))
    return float(trial.trial_id) / 10


def _meet(tuner: Together, trial: Any, mine: bool) -> float:
    if mine:
        number = int(trial.trial_id)
        meeting.attend(tuner.script.meeting, pid=os.getpid(), trial=number, rank=rank())
    return float(trial.trial_id) / 10


def _die(tuner: Together, trial: Any, mine: bool) -> float:
    if mine:
        os.kill(os.getpid(), signal.SIGKILL)
    return _wait_for_the_others()


def _exit(tuner: Together, trial: Any, mine: bool) -> float:
    if mine:
        os._exit(0)
    return _wait_for_the_others()


def _raise(tuner: Together, trial: Any, mine: bool) -> float:
    if mine:
        raise ValueError("this trial cannot be trained")
    return _wait_for_the_others()


def _freeze(tuner: Together, trial: Any, mine: bool) -> float:
    if mine:
        os.kill(os.getpid(), signal.SIGSTOP)
    return _wait_for_the_others()


def _epochs(tuner: Together, trial: Any, _: bool) -> float:
    """Trains until it is told to stop; notes after which epoch that was."""
    number = int(trial.trial_id)
    for epoch in range(10):
        # Only what the process says that speaks for the trial may count.
        loss = float(number) if rank() == 0 else -1.0
        if report_epoch({"score": loss}, epoch):
            break
    name = f"stopped-{number}-rank-{rank()}"
    Path(tuner.script.directory, name).write_text(str(epoch))
    return float(number)


def _sum(tuner: Together, trial: Any, _: bool) -> float:
    """A loop of one's own on TensorFlow: the processes add up what they have."""
    import tensorflow as tf

    strategy = _strategy(tuner)
    with strategy.scope():
        weight = tf.Variable(
            0.0,
            synchronization=tf.VariableSynchronization.ON_WRITE,
            aggregation=tf.VariableAggregation.MEAN,
        )

    @tf.function
    def step() -> Any:
        def replica() -> Any:
            context = tf.distribute.get_replica_context()
            return context.all_reduce("sum", tf.constant(rank() + 1.0))

        return strategy.reduce("mean", strategy.run(replica), axis=None)

    for epoch in range(3):
        weight.assign_add(step())
        report_epoch({"score": float(weight.numpy())}, epoch)
    return float(weight.numpy())


def _fit_tf_keras(tuner: Together, trial: Any, _: bool) -> float:
    """A model of tf_keras, which shards its data among the processes."""
    import numpy as np
    import tensorflow as tf
    import tf_keras
    from tensorflow.python.autograph.core import config

    # As TensorFlow has it for `keras`. Without it all of tf_keras is rewritten in each
    # process before the first batch: three times the work of the rest, imports included.
    rule = config.DoNotConvert("tf_keras")
    config.CONVERSION_RULES = (rule, *config.CONVERSION_RULES)
    with _strategy(tuner).scope():
        model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(2,))])
        model.compile("sgd", "mse")
    x = np.arange(8, dtype="float32").reshape(4, 2) / 8
    data = tf.data.Dataset.from_tensor_slices((x, x.sum(1, keepdims=True))).batch(2)
    history = model.fit(data, epochs=1, verbose=0)
    name = f"weights-{trial.trial_id}-rank-{rank()}.npy"
    np.save(Path(tuner.script.directory, name), model.get_weights()[0])
    return float(history.history["loss"][-1])


def _strategy(tuner: Together) -> Any:
    """Made once in a process, which trains many trials."""
    import tensorflow as tf

    made = vars(tuner).get("strategy")
    if made is None:
        made = tuner.strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return made


def _wait_for_the_others() -> float:
    """As a process does whose partner has left."""
    signal.pause()
    return 0.0


_ACTS = {
    "note": _note,
    "meet": _meet,
    "die": _die,
    "exit": _exit,
    "raise": _raise,
    "freeze": _freeze,
    "epochs": _epochs,
    "sum": _sum,
    "fit tf_keras": _fit_tf_keras,
}


def make(argument: bytes, role: str) -> Any:
    """The entry point of searches whose trials are trained by several processes."""
    script = Script(**json.loads(argument))
    if role == "worker" and script.worker_fault == f"raise of {rank()}":
        raise RuntimeError("tuner_fn works in the others only")
    space = keras_tuner.HyperParameters()
    space.Int("x", 0, 1_000_000)
    objective = keras_tuner.Objective("score", "min")
    oracle = keras_tuner.oracles.RandomSearchOracle(
        objective, max_trials=script.trials, hyperparameters=space, seed=1
    )
    tuner = Together(oracle, directory=script.directory, project_name="together")
    tuner.script = script
    return types.SimpleNamespace(tuner=tuner, fit_kwargs={})
