"""The harness is strict: what it does not know in a compiled file is an error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from examples.penguin import kubeflow
from tests.kubeflow.harness import CompiledTask, UnknownFieldError
from tests.kubeflow.support import IMAGE


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tuning pipeline, of spec 2.1."""
    directory = tmp_path_factory.mktemp("compiled")
    options = kubeflow.Options(
        root=str(directory / "root"), image=IMAGE, data="not needed", tune_args="{}"
    )
    return kubeflow.compile_pipeline("penguin", False, options, directory)


@pytest.fixture
def damaged(compiled: Path, tmp_path: Path) -> Callable[[Callable[..., None]], Path]:
    """Copies the compiled pipeline with a change."""

    def copy(change: Callable[..., None]) -> Path:
        spec = yaml.safe_load(compiled.read_text())
        change(spec)
        file = tmp_path / "changed.yaml"
        file.write_text(yaml.safe_dump(spec))
        return file

    return copy


def _container(spec: Any) -> Any:
    return spec["deploymentSpec"]["executors"]["Tuner_executor"]["container"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda spec: _container(spec).update(env=[{"name": "A", "value": "b"}]),
            "container: env",
        ),
        (
            lambda spec: spec["root"]["dag"]["tasks"]["Tuner"].update(
                triggerPolicy={"condition": "false"}
            ),
            "task: trigger_policy",
        ),
        (
            lambda spec: _container(spec)["args"].append("{{$.pipeline_root}}"),
            "a placeholder",
        ),
    ],
    ids=["field of the container", "field of the task", "placeholder"],
)
def test_harness_refuses_what_it_does_not_know(
    damaged: Callable[[Callable[..., None]], Path],
    change: Callable[..., None],
    message: str,
) -> None:
    """A test would pass though the cluster did something else."""
    with pytest.raises(UnknownFieldError, match=message):
        CompiledTask(damaged(change), "Tuner").command({})
