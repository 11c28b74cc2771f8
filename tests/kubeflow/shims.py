"""What kfp.local leaves out of what a Kubeflow backend does, put back.

Each function changes one thing in kfp 2.17 and says what the backend does. They run in
the environment of the runner, which has kfp and nothing of this project.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import docker
import kfp.dsl
from kfp.local import (
    docker_task_handler,
    executor_input_utils,
    executor_output_utils,
    importer_handler,
    status,
    subprocess_task_handler,
)
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow import cache, preloaded

# Under this name an artifact remembers the type that its producer declared.
_TYPE = "declared_type"


def keep_component_names() -> None:
    """Components are called as the file calls them.

    kfp.local cuts five characters off, which is right for `comp-` and nothing else: a
    CsvExampleGen writes to `ampleGen`.
    """
    cut = executor_input_utils.get_local_task_resource_name

    def name(component_name: str) -> str:
        prefixed = component_name.startswith("comp-")
        return cut(component_name) if prefixed else component_name

    executor_input_utils.get_local_task_resource_name = name


def keep_artifact_types() -> None:
    """An artifact reaches its consumers with the schema that its producer declared.

    kfp.local knows the types of its own SDK only, and passes all others on as
    `system.Artifact`, of which TFX cannot make an object.
    """
    make = executor_output_utils.runtime_artifact_to_dsl_artifact
    pack = executor_input_utils.dsl_artifact_to_artifact_list

    def made(runtime: pipeline_spec_pb2.RuntimeArtifact) -> kfp.dsl.Artifact:
        artifact = make(runtime)
        setattr(artifact, _TYPE, runtime.type)
        return artifact

    def packed(artifact: kfp.dsl.Artifact) -> pipeline_spec_pb2.ArtifactList:
        result = pack(artifact)
        result.artifacts[0].type.CopyFrom(getattr(artifact, _TYPE))
        return result

    executor_output_utils.runtime_artifact_to_dsl_artifact = made
    executor_input_utils.dsl_artifact_to_artifact_list = packed


def keep_importers() -> None:
    """An importer takes the parameter, and fills the output, that its spec names.

    kfp.local takes `uri` and fills `artifact`, as its own SDK would compile them.
    """
    run = importer_handler.run_importer

    def imported(
        *,
        component_spec: pipeline_spec_pb2.ComponentSpec,
        executor_spec: pipeline_spec_pb2.PipelineDeploymentConfig.ExecutorSpec,
        arguments: dict[str, Any],
        **others: Any,
    ) -> tuple[dict[str, Any], status.Status]:
        parameter = executor_spec.importer.artifact_uri.runtime_parameter
        if parameter:
            arguments = {**arguments, "uri": arguments[parameter]}
        outputs, state = run(
            component_spec=component_spec,
            executor_spec=executor_spec,
            arguments=arguments,
            **others,
        )
        (key,) = component_spec.output_definitions.artifacts
        artifact = outputs.pop("artifact")
        setattr(artifact, _TYPE, executor_spec.importer.type_schema)
        return {key: artifact}, state

    importer_handler.run_importer = imported


def run_containers_as_subprocesses(
    directory: str,
    environment: dict[str, str],
    interpreter: str,
    attempts: Callable[[list[str], int], None],
) -> None:
    """The command of any container is run as it is, most with their imports done.

    SubprocessRunner refuses all that its own SDK did not compile, writes its own
    interpreter over `python3` wherever it reads that, and hands its own environment on.

    Args:
        directory: The working directory.
        environment: What the image would set.
        interpreter: Where the process listens that has imported what nodes need. The
            first Tuner does not go there: it has an interpreter to itself, and so has
            its fork server.
        attempts: Is told each command with its exit status.
    """
    handler = subprocess_task_handler.SubprocessTaskHandler
    known = cache.Cache(Path(interpreter).with_name("cache"))
    tuners = 0

    def run(full_command: list[str], env_vars: dict[str, str] | None = None) -> int:
        nonlocal tuners
        variables = {**environment, **(env_vars or {})}
        tuners += preloaded.is_tuner(full_command)
        first_tuner = preloaded.is_tuner(full_command) and tuners == 1

        def execute() -> int:
            if first_tuner or not preloaded.understands(full_command):
                return _run(full_command, directory, variables)
            program = preloaded.start(interpreter, full_command, directory, variables)
            _print(program.stdout)
            return program.wait()

        status = known.run(full_command, execute)
        attempts(full_command, status)
        return status

    handler.validate_image = lambda self, image: None
    handler.validate_not_container_component = lambda self, command: None
    subprocess_task_handler.replace_python_executable = lambda command, python: command
    subprocess_task_handler.run_local_subprocess = run


def _run(command: list[str], directory: str, environment: dict[str, str]) -> int:
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    with process:
        _print(process.stdout)
    return process.returncode


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, end="", flush=True)


def keep_exit_statuses(attempts: Callable[[list[str], int], None]) -> None:
    """A container that fails has failed.

    kfp.local has containers removed when they end, does not find them afterwards, and
    takes that for success.

    Args:
        attempts: Is told each command with its exit status.
    """

    def run(
        client: docker.DockerClient,
        image: str,
        command: list[str],
        volumes: dict[str, Any],
        **options: Any,
    ) -> int:
        container = client.containers.run(
            image=image, command=command, detach=True, volumes=volumes, **options
        )
        try:
            for lines in container.logs(stream=True):
                for line in lines.decode(errors="replace").splitlines():
                    print(line, flush=True)
            status: int = container.wait()["StatusCode"]
        finally:
            container.remove(force=True)
        attempts(command, status)
        return status

    docker_task_handler.run_docker_container = run
