"""`tuner-component best --model`: the model of the best trial, built by the module."""

import os
import sys
from typing import Any

import keras_tuner
from keras_tuner.engine import trial as trial_lib
from tfx.types import standard_component_specs as specs

from tuner_component.cli.importing import make_importable
from tuner_component.identity.parts import module_parts
from tuner_component.pipeline import best_model, fn_args, kept_call
from tuner_component.proto import tuner_pb2
from tuner_component.report.record import StudyRecord, TrialRecord
from tuner_component.search.errors import NoModelError
from tuner_component.search.kerastuner import codec
from tuner_component.search.storage import files
from tuner_component.search.study import fingerprint

_WHERE = (specs.MODULE_FILE_KEY, specs.MODULE_PATH_KEY, specs.TUNER_FN_KEY)


def write(study: StudyRecord, directory: str, target: str, module: str | None) -> None:
    """Writes the model of a study's best trial.

    Args:
        study: It has one.
        directory: Path or URI of the study itself.
        target: Path or URI of a new directory for the model.
        module: File of the user's module; None for where it was when it was searched.

    Raises:
        NoModelError: If there is no model.
        FileNotFoundError: If the study or the module is not all there.
        ValueError: If the module has changed since.
        StorageError: If something cannot be read or written.
    """
    message = kept_call.kept(directory)
    if module is not None:
        for key in _WHERE:
            message.ClearField(key)
        message.module_file = os.path.abspath(module)
    properties = {key: value for key in _WHERE if (value := getattr(message, key))}
    make_importable(properties)
    _check_module(study, properties, named=module is not None)
    assert study.best is not None
    state = _state(study, study.best)
    try:
        seed = 1 if study.seed is None else study.seed
        best_model.write(message, directory, state, seed, target)
    except NoModelError as error:
        if lacking := _lacking(message):
            raise NoModelError(
                f"{error}\nOf the data of the search, these are not there any more: "
                f"{', '.join(lacking)}. If tuner_fn reads them, put them back."
            ) from error
        raise


def _check_module(study: StudyRecord, properties: dict[str, Any], named: bool) -> None:
    """Refuses another module than that of the search, which could build another model.

    Args:
        study: Knows what its module was.
        properties: Where the module is, by the keys of `TunerSpec`.
        named: Whether the user has named it: then it is only a warning.
    """
    wheel = properties.get(specs.MODULE_PATH_KEY, "").partition("@")[2]
    file = properties.get(specs.MODULE_FILE_KEY) or wheel
    if file and not files.exists(file):
        raise FileNotFoundError(
            f"Expected the module of the search at {file}. Received: no such file. Name "
            "it where it is now: --module FILE."
        )
    now = module_parts(properties)
    then = {k: v for k, v in study.fingerprint.items() if k.split()[0] == "module"}
    changed = fingerprint.differences(then, now)
    if not changed:
        return
    what = f"these changed since the search: {'; '.join(changed)}"
    if not named:
        raise ValueError(
            f"Expected the module of the search. Received: {what}. Another module may "
            "build another model. Name a file with the module of then, or this one if "
            "you are sure: --module FILE."
        )
    print(f"The model may be another than that of the search: {what}.", file=sys.stderr)


def _state(study: StudyRecord, best: TrialRecord) -> dict[str, Any]:
    """The trial as `SearchResult` has it."""
    space = list(study.spaces.get(best.space, []))
    config = {"space": space, "values": dict(best.hyperparameters)}
    trial = trial_lib.Trial(
        keras_tuner.HyperParameters.from_config(config), best.trial_id, "COMPLETED"
    )
    trial.score, trial.best_step = best.score, best.best_step
    state: dict[str, Any] = codec.encode(trial.get_state())
    return state


def _lacking(message: tuner_pb2.TunerFnArgs) -> list[str]:
    """What the search read and is not there any more; patterns by their directories."""
    paths = {
        p.rpartition("/")[0] if "*" in p else p for p in fn_args.files_read(message)
    }
    return sorted(path for path in paths if not files.exists(path))
