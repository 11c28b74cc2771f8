"""Compiles the penguin pipelines to files that Kubeflow Pipelines or Vertex AI runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import tensorflow as tf
import yaml
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx import v1 as tfx
from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner
from tfx.v1.dsl.experimental import RuntimeParameter

from examples.penguin import pipeline
from tuner_component import Tuner

_ResourceSpec = (
    pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What differs from cluster to cluster.

    Attributes:
        root: URI below which artifacts are written.
        image: The image in which every step runs.
        data: Default of the pipelines' parameter `data`: where the CSV file is.
        tune_args: Default of the parameter `tune_args`: TuneArgs as JSON.
        hyperparameters: Default of the parameter `hyperparameters`: the directory of a
            `best_hyperparameters.txt` to import; None for no default.
        cpus: CPUs of the Tuner's pod.
        memory_gb: Memory of the Tuner's pod, in GB.
        accelerator: Type and count of the Tuner's pod's accelerators.
        retries: How often the Tuner's pod is started again after it failed.
        spec: Version of the pipeline spec, 2.0 or 2.1.
    """

    root: str
    image: str
    data: str
    tune_args: str
    hyperparameters: str | None = None
    cpus: float = 4.0
    memory_gb: float = 16.0
    accelerator: tuple[str, int] | None = None
    retries: int = 3
    spec: str = "2.1"


def check_root(root: str) -> None:
    """Makes the directory for the modules' wheels, which compiling writes first.

    Raises:
        OSError: If the root cannot be written from here.
    """
    try:
        tfx.dsl.io.fileio.makedirs(f"{root}/_wheels")
    except (OSError, tf.errors.OpError) as error:
        raise OSError(
            f"Expected --root to be a place that can be written from here: the "
            f"pipelines' module is written there as a wheel. Received: {root}, and "
            f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}. Check "
            "its name, the network, and that you are logged in (gs://: gcloud auth "
            "application-default login); s3:// needs tensorflow-io."
        ) from error


def compile_pipeline(
    name: str, importing: bool, options: Options, directory: Path
) -> Path:
    """Writes a pipeline as a file that can be submitted.

    The module is written as a wheel to `<root>/_wheels`: the root must be reachable.

    Args:
        name: The name of the pipeline and of the file.
        importing: Whether hyperparameters are imported; otherwise a Tuner searches.
        options: What differs from cluster to cluster.
        directory: Where the file is written.

    Returns:
        The file: YAML of a pipeline (spec 2.1), or JSON of a job (spec 2.0).
    """
    parameters: dict[str, str | None] = {"data": options.data}
    if importing:
        parameters["hyperparameters"] = options.hyperparameters
    else:
        parameters["tune_args"] = options.tune_args
    runtime = {
        key: RuntimeParameter(key, str, default) for key, default in parameters.items()
    }
    components = pipeline.create_components(
        runtime["data"],
        f"{options.root}/serving",
        tune_args=runtime.get("tune_args"),
        hyperparameters=runtime.get("hyperparameters"),
    )
    for component in components:
        if isinstance(component, Tuner):
            component.with_platform_config(_resources(options))
    defaults = {key: value for key, value in parameters.items() if value is not None}
    job = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=options.image, use_pipeline_spec_2_1=options.spec == "2.1"
        )
    ).run(
        tfx.dsl.Pipeline(
            pipeline_name=name,
            pipeline_root=options.root,
            components=components,
            enable_cache=True,
        ),
        parameter_values=defaults,
        write_out=False,
    )
    spec = job["pipelineSpec"]
    if not importing and options.retries:
        _tuner_task(spec)["retryPolicy"] = {"maxRetryCount": options.retries}
    directory.mkdir(parents=True, exist_ok=True)
    if options.spec == "2.0":
        path = directory / f"{name}.json"
        path.write_text(json.dumps(job, indent=2, sort_keys=True) + "\n")
        return path
    # The job has these values; a file of spec 2.1 is the pipeline without the job.
    spec["defaultPipelineRoot"] = options.root
    for key, value in defaults.items():
        spec["root"]["inputDefinitions"]["parameters"][key]["defaultValue"] = value
    path = directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=True))
    return path


def _resources(options: Options) -> Any:
    resources = _ResourceSpec(cpu_limit=options.cpus, memory_limit=options.memory_gb)
    if options.accelerator:
        resources.accelerator.type, resources.accelerator.count = options.accelerator
    return resources


def _tuner_task(spec: dict[str, Any]) -> dict[str, Any]:
    """The Tuner's task in a compiled pipeline. TFX itself cannot set its retries."""
    return spec["root"]["dag"]["tasks"]["Tuner"]
