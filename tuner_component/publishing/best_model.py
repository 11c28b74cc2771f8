"""The model of the best trial: loaded by the user's own tuner, and written to files.

The weights of the best trials are kept (`search/training/weights_cleaner.py`), the models
are not: only the code that built them can build them again. So all that is here works on
a tuner that the user's code has made anew.
"""

import contextlib
import os
import shutil
import tempfile
import traceback
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import base_tuner
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import NoModelError
from tuner_component.search.storage import files, names

# The model as Keras reads it: `keras.models.load_model` takes the file.
KERAS_FILE = "model.keras"
# The file of a SavedModel that says that there is one.
_SAVED_MODEL = "saved_model.pb"

_REMEDY = "Train a model with the best hyperparameters, or load what your tuner saved."


def obstacle(tuner: Any) -> str | None:
    """Why a tuner can never give the model of a trial; None if it may be able to.

    Args:
        tuner: The user's.
    """
    name = type(tuner).__name__
    if isinstance(tuner, keras_tuner.SklearnTuner):
        return f"{name}, whose models are scikit-learn's and not Keras'"
    if not _loads_weights(tuner):
        own = type(tuner).load_model is not base_tuner.BaseTuner.load_model
        return None if own else f"{name}, which has no load_model"
    if tuner.hypermodel is None:
        return f"{name}, which has no hypermodel that builds models"
    return None


def knowing(
    tuner: Any,
    completed: Sequence[trial_lib.Trial],
    failed: Iterable[trial_lib.Trial] = (),
) -> Any:
    """Has a tuner know the trials of a search, as after a search of its own.

    Args:
        tuner: Fresh from its constructor; its project is where the search kept it.
        completed: The completed trials, the best one first.
        failed: Those that failed.

    Returns:
        The tuner.
    """
    trials = [*completed, *failed]
    oracle, trial_dir = tuner.oracle, tuner.get_trial_dir
    oracle.trials = {trial.trial_id: trial for trial in trials}
    oracle.start_order = sorted(oracle.trials)
    oracle.end_order = sorted(oracle.trials)
    # Which trial is the best is not for scores alone to say: some are confirmed.
    oracle.get_best_trials = lambda num_trials=1: list(completed[:num_trials])
    # The search has kept them under these names: see `instrument`.
    tuner.get_trial_dir = lambda trial_id: trial_dir(names.component(str(trial_id)))
    if tuner.hypermodel is not None:
        _mend_shapes(tuner.hypermodel)
    return tuner


def load(tuner: Any) -> Any:
    """Loads the model of the best trial, with the weights of its best epoch.

    Args:
        tuner: See `knowing`.

    Raises:
        NoModelError: If the tuner kept none, or cannot build it any more.
    """
    [best] = tuner.oracle.get_best_trials(1)
    kept = _weights_of(tuner, best.trial_id)
    why = obstacle(tuner)
    if why is None and kept is not None and not files.exists(kept):
        why = f"{type(tuner).__name__}, which left no weights at {kept}"
    if why is not None:
        raise NoModelError(
            "Expected a tuner that trains Keras models by KerasTuner's build and fit. "
            f"Received: {why}. {_REMEDY}"
        )
    try:
        [model] = tuner.get_best_models(1)
    except Exception as error:
        text = "".join(traceback.format_exception(error)).rstrip()
        raise NoModelError(
            f"Expected {type(tuner).__name__} to build the model of trial "
            f"{best.trial_id} again and to load its weights. Received: {error!r}. "
            f"{_REMEDY} The traceback:\n{text}"
        ) from error
    if not isinstance(model, keras.Model):
        raise NoModelError(
            f"Expected {type(tuner).__name__} to load a Keras model. Received: {model!r} "
            f"of type {type(model).__name__}. {_REMEDY}"
        )
    return model


def write(model: Any, directory: str) -> None:
    """Writes a model so that Keras, and what serves SavedModels, can load it.

    Args:
        model: The model, which is built.
        directory: Path or URI. It appears when it is whole; an older model there is
            replaced. It will hold a SavedModel and, in it, `KERAS_FILE`.

    Raises:
        NoModelError: If the model cannot be saved in one of the two forms, or something
            else is in the directory.
        StorageError: If it cannot be written.
    """
    target = directory.rstrip("/")
    require_free(target)
    with _staging(target) as staging:
        _save(model, staging)
        with files.explained("write", target):
            if files.is_remote(target):
                _upload(staging, target)
            else:
                _put_in_place(staging, files.local_path(target))


def require_free(directory: str) -> None:
    """Raises unless a directory is empty, missing, or holds a model that `write` wrote.

    Raises:
        NoModelError: If it is something else, which is not ours to replace.
    """
    found = files.list_names(directory)
    if files.exists(directory) and KERAS_FILE not in found and found:
        raise NoModelError(
            "Expected a new directory for the model, or one with a model that was written "
            f"before. Received: {directory}, which holds {', '.join(found[:5])}. Name "
            "another directory."
        )


def _loads_weights(tuner: Any) -> bool:
    """Whether KerasTuner builds the models and loads the weights that it has saved."""
    kind = type(tuner)
    return (
        isinstance(tuner, keras_tuner.Tuner)
        and kind.load_model is keras_tuner.Tuner.load_model
        and kind.get_best_models is keras_tuner.Tuner.get_best_models
    )


def _mend_shapes(hypermodel: Any) -> None:
    """Lets models of a class of the user's own be built from what KerasTuner has saved.

    It saves the shape of their inputs as JSON, whose lists Keras does not take for shapes.
    Then the model stays without weights, and none can be loaded. And where Keras itself
    builds a model so, it says afterwards that it is built. To be exported, a model must
    have been called, too.
    """
    build = hypermodel.build

    def build_mended(*args: Any, **kwargs: Any) -> Any:
        model = build(*args, **kwargs)
        if not isinstance(model, keras.Model):
            return model
        from_config = model.build_from_config

        def build_from_shapes(config: Any) -> None:
            shapes = _shapes(config) or {}
            from_config(shapes)
            if model.layers and all(layer.built for layer in model.layers):
                model.built = True
                _call(model, shapes.get("input_shape"))

        # Past the model's own bookkeeping of attributes: this is none of its layers.
        object.__setattr__(model, "build_from_config", build_from_shapes)
        return model

    # Its class may be frozen.
    object.__setattr__(hypermodel, "build", build_mended)


def _call(model: Any, shapes: Any) -> None:
    """Calls a model on inputs without values, if it has one argument."""
    if shapes is None:
        return

    def placeholder(shape: tuple[Any, ...]) -> Any:
        return keras.KerasTensor((None, *shape[1:]), dtype=model.input_dtype)

    # Not every model takes such numbers. Then its export says what is missing.
    with contextlib.suppress(Exception):
        model(keras.tree.map_shape_structure(placeholder, shapes))


def _shapes(config: Any) -> Any:
    """The same with a tuple for each list of sizes."""
    if isinstance(config, dict):
        return {key: _shapes(value) for key, value in config.items()}
    if not isinstance(config, list):
        return config
    is_shape = all(size is None or isinstance(size, int) for size in config)
    return tuple(config) if is_shape else [_shapes(value) for value in config]


def _weights_of(tuner: Any, trial_id: str) -> str | None:
    """Where the weights of a trial are; None if only the tuner knows."""
    if not _loads_weights(tuner):
        return None
    directory = files.join(str(tuner.directory), tuner.project_name)
    name = os.path.basename(tuner._get_checkpoint_fname(trial_id))
    return files.join(directory, f"trial_{names.component(trial_id)}", name)


def _save(model: Any, directory: str) -> None:
    path = os.path.join(directory, KERAS_FILE)
    ways: dict[str, Callable[[], Any]] = {
        "a SavedModel": lambda: model.export(directory, verbose=False),
        KERAS_FILE: lambda: model.save(path),
    }
    for form, save in ways.items():
        try:
            save()
        except Exception as error:
            text = "".join(traceback.format_exception(error)).rstrip()
            raise NoModelError(
                f"Expected the model of the best trial to be saved as {form}. Received: "
                f"{error!r}. Give layers and models of your own a get_config, and models "
                f"inputs that Keras knows. {_REMEDY} The traceback:\n{text}"
            ) from error


@contextlib.contextmanager
def _staging(target: str) -> Iterator[str]:
    """A new directory of this machine, on the disk of a local target."""
    if files.is_remote(target):
        with tempfile.TemporaryDirectory(prefix="tuner_component_") as directory:
            yield directory
        return
    path = f"{os.path.abspath(files.local_path(target))}.{uuid.uuid4().hex}.new"
    files.makedirs(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _put_in_place(staging: str, target: str) -> None:
    _sync(staging)
    aside = f"{staging}.old"
    if os.path.isdir(target):
        os.rename(target, aside)
    try:
        os.rename(staging, target)
    except OSError:
        if os.path.isdir(aside):
            os.rename(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _sync(directory: str) -> None:
    """Makes all files durable, before their directory gets its name."""
    for folder, _, found in os.walk(directory):
        for name in found:
            with open(os.path.join(folder, name), "rb") as file:
                os.fsync(file.fileno())


def _upload(source: str, target: str) -> None:
    """Copies a model; the file without which it is none comes last."""
    import tensorflow as tf

    files.remove_tree(target)
    paths = [os.path.join(folder, n) for folder, _, ns in os.walk(source) for n in ns]
    for path in sorted(paths, key=lambda path: path.endswith(_SAVED_MODEL)):
        copy = files.join(target, os.path.relpath(path, source))
        tf.io.gfile.makedirs(copy.rpartition("/")[0])
        tf.io.gfile.copy(path, copy, overwrite=True)
