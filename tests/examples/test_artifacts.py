"""Finding the results of a run in the metadata store."""

from __future__ import annotations

from pathlib import Path

import ml_metadata
import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd

from examples.penguin import artifacts


@pytest.fixture
def store(tmp_path: Path) -> ml_metadata.MetadataStore:
    """A store where LocalDagRunner would have it."""
    return ml_metadata.MetadataStore(artifacts.connection_config(tmp_path))


def _publish(store: ml_metadata.MetadataStore, node: str, **outputs: str) -> None:
    """Records an execution of a node with outputs, as TFX does."""
    node_type = store.put_context_type(mlmd.ContextType(name="node"))
    execution_type = store.put_execution_type(mlmd.ExecutionType(name="run"))
    artifact_type = store.put_artifact_type(mlmd.ArtifactType(name="file"))
    events = []
    for key, uri in outputs.items():
        event = mlmd.Event(type=mlmd.Event.OUTPUT)
        event.path.steps.add().key = key
        events.append((mlmd.Artifact(type_id=artifact_type, uri=uri), event))
    store.put_execution(
        mlmd.Execution(type_id=execution_type),
        events,
        [mlmd.Context(type_id=node_type, name=node)],
        reuse_context_if_already_exist=True,
    )


def test_the_last_execution_that_has_the_output_counts(
    store: ml_metadata.MetadataStore, tmp_path: Path
) -> None:
    """Else a summary would show the results of an earlier run, or of a failed one."""
    _publish(store, "a.Tuner", best="/old", results="/old results")
    _publish(store, "a.Tuner", best="/new", results="/new results")
    _publish(store, "a.Tuner")  # failed: no outputs
    _publish(store, "b.Tuner", best="/of another pipeline")

    assert artifacts.latest(tmp_path, "a", "Tuner", "best").uri == "/new"


def test_no_run_yet_is_said_clearly(tmp_path: Path) -> None:
    """Else the importer's pipeline would fail with an error of the database."""
    with pytest.raises(FileNotFoundError, match=r"Tuner.*'a'.*Run that pipeline"):
        artifacts.latest(tmp_path, "a", "Tuner", "best")
    assert not list(tmp_path.iterdir())


def test_a_store_without_that_pipeline_is_said_clearly(
    store: ml_metadata.MetadataStore, tmp_path: Path
) -> None:
    """Else the message would speak of contexts and types."""
    _publish(store, "b.Tuner", best="/of another pipeline")
    with pytest.raises(FileNotFoundError, match="Run that pipeline"):
        artifacts.latest(tmp_path, "a", "Tuner", "best")
