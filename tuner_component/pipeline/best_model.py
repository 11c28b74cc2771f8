"""The model of the best trial of a search with a user's module.

The module builds it once more. That happens in a process of its own where this one may be
copied: the user's code could take the GPUs' memory, or the whole process down.
"""

import contextlib
import functools
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.types import artifact_utils
from tfx.utils import path_utils

from tuner_component.pipeline import publish, user_module
from tuner_component.proto import tuner_pb2
from tuner_component.publishing import best_model
from tuner_component.report.record import StudyRecord
from tuner_component.search import errors
from tuner_component.search.errors import NoModelError
from tuner_component.search.kerastuner import codec
from tuner_component.search.machine import environment, forked
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.training import project_guard, scratch, seeding

# The component's output for it.
BEST_MODEL_KEY = "best_model"

# It includes the time that `tuner_fn` takes to prepare the data.
_TIMEOUT_S = 3600.0


def wanted(output_dict: Mapping[str, list[types.Artifact]]) -> bool:
    """Whether an execution is to give the model as well."""
    return bool(output_dict.get(BEST_MODEL_KEY))


def publish_model(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    result: SearchResult,
    study: StudyRecord,
    output_dict: Mapping[str, list[types.Artifact]],
) -> None:
    """Writes the model into its artifact, where the Trainer and the Pusher look for it.

    Args:
        message: What `tuner_fn` gets; with the directory that the search worked in.
        directory: Path or URI of the study.
        result: Of a search with at least one completed trial.
        study: Everything that happened in it.
        output_dict: The component's output artifacts by their keys.

    Raises:
        NoModelError: If there is no model.
        StorageError: If it cannot be written.
    """
    artifact = artifact_utils.get_single_instance(output_dict[BEST_MODEL_KEY])
    target = path_utils.serving_model_dir(artifact.uri)
    try:
        write(message, directory, result.completed[0], result.seed, target)
    except NoModelError as error:
        raise NoModelError(
            f"Expected a model for the output best_model. Received: {error}\nThe search "
            f"itself lost nothing: its results are kept in {directory}. Run the pipeline "
            "again without best_model=True, and they are published at once."
        ) from error
    publish.describe(artifact, result, study)


def write(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    best: Mapping[str, Any],
    seed: int,
    target: str,
) -> None:
    """Has the user's module build the model of a trial, and writes it.

    Args:
        message: What `tuner_fn` gets; with the directory that the search worked in.
        directory: Path or URI of the study.
        best: State of the trial, as `SearchResult` has it.
        seed: The study's.
        target: Path or URI of the directory for the model: see `publishing.best_model`.

    Raises:
        NoModelError: If there is no model.
        StorageError: If it cannot be written.
    """
    with user_module.installed(message) as local:
        call = functools.partial(_write, local, directory, dict(best), seed, target)
        if forked.obstacle() is not None:
            call()
            return
        with contextlib.closing(
            forked.ForkedCall(functools.partial(_try, call))
        ) as own:
            try:
                trouble = own.result(_TIMEOUT_S)
            except forked.ForkedCallError as error:
                raise NoModelError(
                    "Expected the model of the best trial to be built in a process of "
                    f"its own. Received: {error}."
                ) from error
        if trouble is not None:
            raise errors.rebuild(trouble)


def _try(call: Any) -> errors.PortableError | None:
    """What went wrong, so that another process can be told."""
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return errors.portable(error, "building the model of the best trial")
    return None


def _write(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    best: dict[str, Any],
    seed: int,
    target: str,
) -> None:
    alone = tuner_pb2.TunerFnArgs()
    alone.CopyFrom(message)
    alone.search = ""  # Nothing is searched for any more.
    alone.best_model = False  # What is wrong is told below, with what is there.
    trial = codec.decode(codec.TrialState(best))
    with (
        environment.without_roles(),
        scratch.of_search(directory, locked=False),
    ):
        tuner = _tuner(alone, seed)
        model = best_model.load(best_model.knowing(tuner, [trial]))
        best_model.write(model, target)


def _tuner(message: tuner_pb2.TunerFnArgs, seed: int) -> Any:
    """The user's tuner, made once more.

    Raises:
        NoModelError: If the module or its `tuner_fn` fails now.
    """
    try:
        with project_guard.shared_project(), seeding.seeded_construction(seed):
            function = user_module.load_tuner_fn(message)
            return user_module.call_tuner_fn(function, message).tuner
    except (user_module.UserModuleError, TypeError, ImportError) as error:
        raise NoModelError(
            f"Expected tuner_fn to return the tuner of the search. Received: {error}"
        ) from error
