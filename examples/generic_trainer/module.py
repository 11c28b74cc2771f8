"""A classifier of irises: `tuner_fn` for the Tuner, `run_fn` for each Trainer.

`fn_args.custom_config["how"]` says how `run_fn` trains: by `fit`, by a loop, on two devices,
or in two processes. All of them build the model of the search with its best
hyperparameters, and end with the same kind of files.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from typing import Any

import keras
import keras_tuner
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data, load_best_hyperparameters

COLUMNS = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)")
CLASSES = 3
EPOCHS = 4
# Beside the SavedModel: what a Trainer with `base_model` starts from.
KERAS_FILE = "model.keras"
LOSSES_FILE = "losses.json"

_Arrays = tuple[Any, Any]


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search; `custom_config` says how many trials there are."""
    tuner = keras_tuner.RandomSearch(
        build_model,
        objective="val_loss",
        max_trials=fn_args.custom_config["trials"],
        seed=1,
        directory=fn_args.working_dir,
        project_name="iris",
    )
    x, y = _irises(fn_args, "train")
    fit_kwargs = {"x": x, "y": y, "validation_data": _irises(fn_args, "eval")}
    return TunerFnResult(
        tuner=tuner, fit_kwargs={**fit_kwargs, "epochs": EPOCHS, "verbose": 2}
    )


def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds and compiles the model of all trials and Trainers."""
    model = keras.Sequential(
        [
            keras.Input((len(COLUMNS),)),
            keras.layers.Dense(hp.Int("units", 8, 32, step=8), "relu"),
            keras.layers.Dense(CLASSES),
        ]
    )
    model.compile(
        keras.optimizers.Adam(hp.Float("rate", 1e-3, 1e-1, sampling="log")),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def run_fn(fn_args: FnArgs) -> None:
    """Trains with the best hyperparameters, and exports the model."""
    hp = load_best_hyperparameters(fn_args.hyperparameters)
    how = fn_args.custom_config["how"]
    if how == "processes":
        _in_two_processes(fn_args, hp)
        return
    train, held = _irises(fn_args, "train"), _irises(fn_args, "eval")
    with _mirrored().scope() if how == "mirrored" else contextlib.nullcontext():
        model = _first_model(fn_args, hp)
    before = model.evaluate(*held, verbose=0)
    if how == "loop":
        _loop(model, train)
    else:
        model.fit(*train, epochs=EPOCHS, verbose=2)
    _save(model, fn_args.serving_model_dir, before, model.evaluate(*held, verbose=0))


def _first_model(fn_args: FnArgs, hp: keras_tuner.HyperParameters) -> keras.Model:
    """The model to begin with: a new one, or that of `base_model`."""
    if fn_args.base_model:
        return keras.saving.load_model(os.path.join(fn_args.base_model, KERAS_FILE))
    keras.utils.set_random_seed(1)
    return build_model(hp)


def _mirrored() -> tf.distribute.Strategy:
    """A strategy over all devices, which have to be two at least."""
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(devices) < 2:
        raise RuntimeError(
            f"Expected two devices. Received: {devices}. Divide the CPU before TensorFlow "
            "uses it, as pipeline.py does."
        )
    return tf.distribute.MirroredStrategy(devices)


def _loop(model: keras.Model, train: _Arrays) -> None:
    batches = tf.data.Dataset.from_tensor_slices(train).shuffle(200, seed=1).batch(32)
    for _ in range(EPOCHS):
        for x, y in batches:
            with tf.GradientTape() as tape:
                loss = model.loss(y, model(x, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            model.optimizer.apply(gradients, model.trainable_variables)


def _save(model: keras.Model, directory: str, before: float, after: float) -> None:
    model.export(directory)
    model.save(os.path.join(directory, KERAS_FILE))
    with open(os.path.join(directory, LOSSES_FILE), "w") as file:
        json.dump({"before": before, "after": after}, file)


def _irises(fn_args: FnArgs, split: str) -> _Arrays:
    return data.table(fn_args, split, COLUMNS, label="target")


# --- Two processes --------------------------------------------------------------------


def _in_two_processes(fn_args: FnArgs, hp: keras_tuner.HyperParameters) -> None:
    """Starts this file twice, as a scheduler does on two machines: with TF_CONFIG."""
    directory = fn_args.model_run_dir
    os.makedirs(directory, exist_ok=True)
    job = os.path.join(directory, "job.npz")
    (x, y), (held_x, held_y) = (_irises(fn_args, split) for split in ("train", "eval"))
    np.savez(job, x=x, y=y, held_x=held_x, held_y=held_y)
    hosts = [f"localhost:{port}" for port in _free_ports(2)]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = {"cluster": {"worker": hosts}, "task": task}
        command = [sys.executable, os.path.abspath(__file__), job]
        command += [json.dumps(hp.values), fn_args.serving_model_dir]
        environment = {**os.environ, "TF_CONFIG": json.dumps(config)}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        processes.append(subprocess.Popen(command, env=environment))
    statuses = [process.wait() for process in processes]
    if any(statuses):
        raise RuntimeError(
            f"Expected both processes to end well. Received: {statuses}."
        )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("localhost", 0))
        return [one.getsockname()[1] for one in sockets]


def _work(job: str, values: str, serving_dir: str) -> None:
    """One of two processes that train one model: each step sums their gradients."""
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    resolver = strategy.cluster_resolver
    with np.load(job) as arrays:
        held = arrays["held_x"], arrays["held_y"]
        # Each has its half of the data.
        half = slice(resolver.task_id, None, 2)
        batches = tf.data.Dataset.from_tensor_slices(
            (arrays["x"][half], arrays["y"][half])
        ).batch(16, drop_remainder=True)
    hp = keras_tuner.HyperParameters()
    hp.values = json.loads(values)
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = build_model(hp)
    before = float(model.loss(held[1], model(held[0])))
    weights = [variable.value for variable in model.trainable_variables]
    rate = hp.get("rate")

    @tf.function
    def step(x: tf.Tensor, y: tf.Tensor) -> None:
        def replica() -> None:
            with tf.GradientTape() as tape:
                loss = model.loss(y, model(x, training=True))
            gradients = tape.gradient(loss, weights)
            context = tf.distribute.get_replica_context()
            mean = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
            for weight, gradient in zip(weights, mean):
                weight.assign_sub(rate * gradient)

        strategy.run(replica)

    for _ in range(EPOCHS):
        for x, y in batches:
            step(x, y)
    if resolver.task_id == 0:  # The chief. What the other one has is the same.
        alone = build_model(hp)
        alone.set_weights([variable.numpy() for variable in model.variables])
        after = alone.evaluate(*held, verbose=0)
        _save(alone, serving_dir, before, after)


if __name__ == "__main__":
    _work(*sys.argv[1:])
