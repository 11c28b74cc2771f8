"""Calls a Tuner's executor directly, as an orchestrator does."""

from pathlib import Path
from typing import Any

from tfx.types import artifact_utils, standard_artifacts

Artifacts = dict[str, list[Any]]


def artifact(cls: Any, uri: Path) -> list[Any]:
    """A list with one artifact, as a channel has it."""
    result = cls()
    result.uri = str(uri)
    return [result]


def examples(uri: Path) -> list[Any]:
    """Examples with the splits `train` and `eval`."""
    found = artifact(standard_artifacts.Examples, uri)
    found[0].split_names = artifact_utils.encode_split_names(["train", "eval"])
    return found


def run(cls: Any, root: Path, inputs: Artifacts, properties: dict[str, Any]) -> Path:
    """Runs an executor.

    Args:
        cls: The executor's class.
        root: The directory that it writes to.
        inputs: Its input artifacts.
        properties: Its execution properties.

    Returns:
        The directory of the tuner_results artifact.
    """
    context = cls.Context(tmp_dir=str(root / "tmp"), unique_id="1")
    best, results = root / "best_hyperparameters", root / "tuner_results"
    outputs = {
        best.name: artifact(standard_artifacts.HyperParameters, best),
        results.name: artifact(standard_artifacts.TunerResults, results),
    }
    cls(context).Do(inputs, outputs, properties)
    return results
