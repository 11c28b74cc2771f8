"""Where studies are kept."""

from tuner_component import Executor, TuneArgs, studies

PARTS = {"examples": "a"}


def test_default_is_beside_the_nodes_other_system_files() -> None:
    """TFX deletes the execution's temporary directory, even when it failed."""
    context = Executor.Context(
        tmp_dir="/root/Tuner/.system/executor_execution/5/.temp",
        unique_id="5",
        stateful_working_dir="/root/Tuner/.system/stateful_working_dir/run-1",
    )
    directory = studies.directory(TuneArgs(), context, PARTS)
    assert directory.startswith("/root/Tuner/.system/studies/")


def test_named_directory_is_taken() -> None:
    """A pod could not find the study of the pod before it."""
    context = Executor.Context(tmp_dir="/tmp", unique_id="5")
    args = TuneArgs(study_dir="gs://bucket/studies")
    directory = studies.directory(args, context, PARTS)
    assert directory.startswith("gs://bucket/studies/")


def test_other_fingerprint_is_another_directory() -> None:
    """One search would find another one's study in its place."""
    context = Executor.Context(tmp_dir="/tmp", unique_id="5")
    one = studies.directory(TuneArgs(), context, PARTS)
    other = studies.directory(TuneArgs(), context, {"examples": "b"})
    assert one != other
    assert one == studies.directory(TuneArgs(num_parallel_trials=3), context, PARTS)


def test_without_orchestrator_it_survives_the_temporary_directory() -> None:
    """An executor that is called directly could not resume."""
    context = Executor.Context(tmp_dir="/tmp/run", unique_id="5")
    directory = studies.directory(TuneArgs(), context, PARTS)
    assert directory.startswith("/tmp/run/studies/")
