"""Finds the outputs of a pipeline's last run in its metadata store."""

from __future__ import annotations

from pathlib import Path

import ml_metadata
from ml_metadata.proto.metadata_store_pb2 import Artifact, ConnectionConfig, Event
from tfx import v1 as tfx

_FILE = "metadata.sqlite"


def connection_config(root: Path) -> ConnectionConfig:
    """Says where the pipelines under `root` keep their metadata."""
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(
        str(root / _FILE)
    )


def latest(root: Path, pipeline: str, component: str, output: str) -> Artifact:
    """Returns an output of a component, from its last execution.

    An execution that was answered from the cache has outputs too: those of the
    execution that was cached.

    Args:
        root: Where the pipeline was run.
        pipeline: The pipeline's name.
        component: The component's id, such as `Tuner`.
        output: The key of the output, such as `best_hyperparameters`.

    Raises:
        FileNotFoundError: If there is no such output.
    """
    missing = FileNotFoundError(
        f"Expected an output {output!r} of {component} in the pipeline {pipeline!r} "
        f"under {root}. Received: none. Run that pipeline first."
    )
    if not (root / _FILE).exists():
        raise missing
    store = ml_metadata.MetadataStore(connection_config(root))
    node = store.get_context_by_type_and_name("node", f"{pipeline}.{component}")
    executions = store.get_executions_by_context(node.id) if node else []
    for execution in sorted(executions, key=lambda execution: -execution.id):
        events = store.get_events_by_execution_ids([execution.id])
        ids = [
            event.artifact_id
            for event in events
            if event.type == Event.OUTPUT and event.path.steps[0].key == output
        ]
        if ids:
            return store.get_artifacts_by_id(ids)[0]
    raise missing
