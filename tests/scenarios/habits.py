"""What modules do on their way: to their process, to their files, with names."""

import os
import signal
import threading
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from sklearn import linear_model, metrics, model_selection, pipeline, preprocessing
from tfx.components.tuner.component import TunerFnResult

from tests.scenarios.common import LABELS, X, batch, build, compiled, data, search


def baseline_before_the_search(fn_args: Any) -> Any:
    baseline = build(keras_tuner.HyperParameters())
    worst = baseline.fit(batch(), verbose=0).history["loss"][0]
    return search(fn_args, lambda hp: build(hp, loss=lambda y, p: abs(y - p) / worst))


def thread_of_its_own(fn_args: Any) -> Any:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    return search(fn_args)


def handler_of_signals(fn_args: Any) -> Any:
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    return search(fn_args)


def another_directory(fn_args: Any) -> Any:
    os.makedirs(fn_args.working_dir, exist_ok=True)
    os.chdir(fn_args.working_dir)
    return search(fn_args)


def threads_of_tensorflow(fn_args: Any) -> Any:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return search(fn_args)


def determinism(fn_args: Any) -> Any:
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    return search(fn_args)


def functions_that_run_eagerly(fn_args: Any) -> Any:
    tf.config.run_functions_eagerly(True)
    return search(fn_args, lambda hp: build(hp, eager=False))


def names_of_all_kinds(fn_args: Any) -> Any:
    def model(hp: Any) -> Any:
        hp.Boolean("mit Übergewicht?")
        hp.Choice("optimizer/name", ["sgd", "adam"])
        hp.Choice("", [1.5, 2.5])
        hp.Float("a b\nc", 0.0, 1.0, step=0.25)
        return build(hp)

    return search(fn_args, model)


def summary_of_the_space(fn_args: Any) -> Any:
    result = search(fn_args)
    result.tuner.search_space_summary()
    assert result.tuner.oracle.get_space().values
    return result


def backup_and_restore(fn_args: Any) -> Any:
    kept = os.path.join(fn_args.working_dir, "backup")
    backup = keras.callbacks.BackupAndRestore(kept)
    return search(fn_args, fit_kwargs=data(callbacks=[backup], epochs=2))


def training_that_a_callback_ends(fn_args: Any) -> Any:
    class Enough(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    return search(fn_args, fit_kwargs=data(callbacks=[Enough()], epochs=9))


def batches_of_other_processes(fn_args: Any) -> Any:
    return search(
        fn_args, fit_kwargs=data(x=_Batches(workers=2, use_multiprocessing=True))
    )


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        rows = slice(16 * index, 16 * index + 16)
        return X[rows], LABELS[rows]


class _Descending(keras_tuner.Oracle):  # type: ignore[misc]
    def populate_space(self, trial_id: str) -> Any:
        values = {"units": 9 - len(self.start_order)}
        return {
            "status": keras_tuner.engine.trial.TrialStatus.RUNNING,
            "values": values,
        }


def oracle_of_its_own(fn_args: Any) -> Any:
    oracle = _Descending(objective="val_loss", max_trials=2, seed=1)
    tuner = keras_tuner.Tuner(
        oracle, build, directory=fn_args.working_dir, project_name="project"
    )
    return TunerFnResult(tuner=tuner, fit_kwargs=data())


def scikit_learn_pipeline(fn_args: Any) -> Any:
    def scaled(hp: Any) -> Any:
        model = linear_model.LogisticRegression(
            C=hp.Float("C", 1e-2, 1, sampling="log")
        )
        return pipeline.make_pipeline(preprocessing.StandardScaler(), model)

    tuner = keras_tuner.SklearnTuner(
        keras_tuner.oracles.BayesianOptimizationOracle(
            objective=keras_tuner.Objective("score", "max"), max_trials=3, seed=1
        ),
        scaled,
        scoring=metrics.make_scorer(metrics.accuracy_score),
        cv=model_selection.StratifiedKFold(2),
        directory=fn_args.working_dir,
        project_name="project",
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"X": X, "y": LABELS.ravel()})


def layers_of_another_input(fn_args: Any) -> Any:
    """Text that the model itself takes apart, with a vocabulary from the data."""
    words = [["good wine"], ["bad wine"], ["good beer"], ["bad beer"]]
    texts, labels = tf.constant(words), tf.constant([[1.0], [0.0], [1.0], [0.0]])
    split = keras.layers.TextVectorization(max_tokens=8, output_sequence_length=2)
    split.adapt(texts)

    def model(hp: Any) -> Any:
        return compiled(
            keras.Sequential(
                [
                    keras.Input((2,), dtype="int64"),
                    keras.layers.Embedding(8, hp.Int("width", 2, 4)),
                    keras.layers.GlobalAveragePooling1D(),
                    keras.layers.Dense(1, "sigmoid"),
                ]
            )
        )

    tokens = tf.data.Dataset.from_tensors((split(texts), labels))
    return search(fn_args, model, data(x=tokens, validation_data=tokens))
