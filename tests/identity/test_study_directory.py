"""Where studies are kept."""

from tfx.types import standard_artifacts

from tuner_component import Executor, TuneArgs
from tuner_component.identity import study_directory


def outputs(uri: str) -> dict[str, list[standard_artifacts.HyperParameters]]:
    artifact = standard_artifacts.HyperParameters()
    artifact.uri = uri
    return {"best_hyperparameters": [artifact]}


OUTPUTS = outputs("/root/run/Tuner/best_hyperparameters")
PARTS = {"examples": "a"}


def test_default_is_beside_the_nodes_other_system_files() -> None:
    """TFX deletes the execution's temporary directory, even when it failed."""
    context = Executor.Context(
        tmp_dir="/root/Tuner/.system/executor_execution/5/.temp",
        unique_id="5",
        stateful_working_dir="/root/Tuner/.system/stateful_working_dir/run-1",
    )
    directory = study_directory.directory(TuneArgs(), context, OUTPUTS, PARTS)
    assert directory.startswith("/root/Tuner/.system/studies/")


def test_named_directory_is_taken() -> None:
    """A pod could not find the study of the pod before it."""
    context = Executor.Context(tmp_dir="/tmp", unique_id="5")
    args = TuneArgs(study_dir="gs://bucket/studies")
    directory = study_directory.directory(args, context, OUTPUTS, PARTS)
    assert directory.startswith("gs://bucket/studies/")


def test_other_fingerprint_is_another_directory() -> None:
    """One search would find another one's study in its place."""
    context = Executor.Context(tmp_dir="/tmp", unique_id="5")
    one = study_directory.directory(TuneArgs(), context, OUTPUTS, PARTS)
    other = study_directory.directory(TuneArgs(), context, OUTPUTS, {"examples": "b"})
    assert one != other
    assert one == study_directory.directory(
        TuneArgs(num_parallel_trials=3), context, OUTPUTS, PARTS
    )


def test_in_a_pod_it_is_beside_the_artifacts() -> None:
    """A retried pod, with the same outputs and a new disk, would start a new search."""
    uri = "gs://bucket/penguin/run-1/Tuner/0a1b/best_hyperparameters"
    context = Executor.Context(tmp_dir="/gcs/bucket/.temp", unique_id="5")
    directory = study_directory.directory(TuneArgs(), context, outputs(uri), PARTS)
    assert directory.startswith("gs://bucket/penguin/run-1/Tuner/0a1b/.system/studies/")
