"""What the compiler refuses, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins.local import LocalFilesystem

from examples.penguin import kubeflow, pipeline_kubeflow
from tests.support.penguin import ROOT


@pytest.mark.parametrize(
    ("root", "why"),
    [
        ("/home/me/penguin", "pods, which do not see this machine's files"),
        ("runs/penguin", "pods, which do not see"),
        ("file:///home/me", "does not know file://"),
        ("minio://mlpipeline/v2", "does not know minio://"),
    ],
)
def test_root_that_steps_cannot_reach_is_refused(
    root: str, why: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The first step would find out, on the cluster."""
    arguments = ["--root", root, "--image", "i", "--output-dir", str(tmp_path)]
    with pytest.raises(SystemExit, match="2"):
        pipeline_kubeflow.main(arguments)
    message = " ".join(capsys.readouterr().err.split())
    assert "Expected --root to begin with gs:// or s3://" in message
    assert why in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--accelerator", "T4"),
        ("--parallel-trials", "0"),
        ("--spec", "3.0"),
        ("--output-dir", "/proc/none"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would come back from the cluster, in its own words."""
    with pytest.raises(SystemExit, match="2"):
        pipeline_kubeflow.main(["--root", "gs://b", "--image", "i", option, value])
    assert option in capsys.readouterr().err


def test_root_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    """A traceback from TensorFlow does not say that one is not logged in."""
    root = "s3://penguins/root"  # TensorFlow by itself does not know s3://.
    arguments = ["--root", root, "--image", "i", "--output-dir", str(tmp_path)]
    with pytest.raises(SystemExit) as refused:
        pipeline_kubeflow.main(arguments)
    message = str(refused.value)  # Python prints it, and exits with 1.
    assert "Expected --root to be a place that can be written from here" in message
    assert f"Received: {root}" in message
    assert ". Check its name" in message
    assert "s3:// needs tensorflow-io" in message
    assert [path.name for path in tmp_path.iterdir()] == ["compile.log"]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A directory in the place of Google Cloud Storage."""
    storage = tmp_path_factory.mktemp("gcs")

    class Gcs(LocalFilesystem):  # type: ignore[misc]
        SUPPORTED_SCHEMES = ("gs://",)

    def redirected(name: str) -> Any:
        call = getattr(LocalFilesystem, name)

        def local(*args: Any, **kwargs: Any) -> Any:
            paths = [
                arg.replace("gs:/", str(storage)) if isinstance(arg, str) else arg
                for arg in args
            ]
            return call(*paths, **kwargs)

        return staticmethod(local)

    for name in ("open", "exists", "isdir", "makedirs", "rename"):
        setattr(Gcs, name, redirected(name))
    known = filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY
    with pytest.MonkeyPatch.context() as patch:
        schemes = known._preferred_filesystem_by_scheme
        patch.setitem(schemes, "gs://", Gcs)
        yield storage


@pytest.fixture(scope="module")
def options() -> kubeflow.Options:
    return kubeflow.Options(
        root="gs://bucket/penguin",
        image="registry.example/penguin:1",
        data="gs://bucket/penguin/data",
        tune_args='{"num_parallel_trials": 3}',
        cpus=8,
        memory_gb=30,
        accelerator=("nvidia.com/gpu", 2),
        retries=5,
    )


@pytest.fixture(scope="module")
def written(
    bucket: Path, options: kubeflow.Options, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The tuning pipeline, compiled for a bucket."""
    directory = tmp_path_factory.mktemp("written")
    return kubeflow.compile_pipeline("penguin", False, options, directory)


@pytest.fixture(scope="module")
def spec(written: Path) -> Any:
    return yaml.safe_load(written.read_text())


@pytest.mark.slow
def test_nothing_of_this_machine_is_in_the_file(written: Path, bucket: Path) -> None:
    """Pods would look for files of whoever compiled."""
    text = written.read_text()
    for here in (str(ROOT), str(written.parent), str(bucket), str(Path.home())):
        assert here not in text.replace("/root/_wheels", "")
    wheels = list((bucket / "bucket" / "penguin" / "_wheels").iterdir())
    assert len(wheels) == 3
    for wheel in wheels:
        assert f"penguin_module@gs://bucket/penguin/_wheels/{wheel.name}" in text


@pytest.mark.slow
def test_pod_of_the_tuner_gets_resources_and_retries(spec: Any) -> None:
    """The search would run on one core of a small machine, and once."""
    executors = spec["deploymentSpec"]["executors"]
    assert executors["Tuner_executor"]["container"]["resources"] == {
        "cpuLimit": 8.0,
        "memoryLimit": 30.0,
        "accelerator": {"type": "nvidia.com/gpu", "count": "2"},
    }
    tasks = spec["root"]["dag"]["tasks"]
    assert tasks["Tuner"]["retryPolicy"] == {"maxRetryCount": 5}
    others = [executor for name, executor in executors.items() if "Tuner" not in name]
    assert not any("resources" in executor["container"] for executor in others)
    assert {e["container"]["image"] for e in executors.values()} == {
        "registry.example/penguin:1"
    }


@pytest.mark.slow
def test_parameters_have_defaults(spec: Any) -> None:
    """A run could not be submitted without naming them all."""
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {key: value["defaultValue"] for key, value in parameters.items()} == {
        "data": "gs://bucket/penguin/data",
        "tune_args": '{"num_parallel_trials": 3}',
    }
    assert spec["defaultPipelineRoot"] == "gs://bucket/penguin"
    assert spec["schemaVersion"] == "2.1.0"


@pytest.mark.slow
def test_job_of_spec_2_0_has_the_same(
    bucket: Path, options: kubeflow.Options, tmp_path: Path
) -> None:
    """An older client of Vertex would run another pipeline."""
    import dataclasses

    older = dataclasses.replace(options, spec="2.0", hyperparameters="gs://bucket/best")
    file = kubeflow.compile_pipeline("penguin-importer", True, older, tmp_path)
    job = json.loads(file.read_text())
    assert job["pipelineSpec"]["schemaVersion"] == "2.0.0"
    assert job["runtimeConfig"] == {
        "gcsOutputDirectory": "gs://bucket/penguin",
        "parameters": {
            "data": {"stringValue": "gs://bucket/penguin/data"},
            "hyperparameters": {"stringValue": "gs://bucket/best"},
        },
    }
    tasks = job["pipelineSpec"]["root"]["dag"]["tasks"]
    assert "Tuner" not in tasks
    assert tasks["Importer"]["inputs"]["parameters"]["artifact_uri"] == {
        "componentInputParameter": "hyperparameters"
    }
