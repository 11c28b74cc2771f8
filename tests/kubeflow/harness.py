"""A task of a compiled pipeline as a pod of its own: what kfp.local cannot do.

It reads both versions of the pipeline spec, starts a task's command without waiting for
its end, and is strict: what it does not know in the file is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2

# What is read here, or says what a cluster does around the container.
_KNOWN = {
    "task": {
        *("task_info", "inputs", "dependent_tasks", "caching_options"),
        *("component_ref", "retry_policy"),
    },
    "component": {"input_definitions", "output_definitions", "executor_label"},
    "container": {"image", "command", "args", "resources"},
}


class UnknownFieldError(Exception):
    """The file says something that this harness would not obey."""


class CompiledTask:
    """A task of a compiled pipeline.

    Args:
        file: The pipeline, YAML of spec 2.1 or JSON of a job with spec 2.0.
        name: The task's.

    Raises:
        UnknownFieldError: If its container would run otherwise on a cluster.
    """

    def __init__(self, file: Path, name: str) -> None:
        content = yaml.safe_load(file.read_text())
        spec = pipeline_spec_pb2.PipelineSpec()
        # Fields that the message does not have are refused here.
        json_format.ParseDict(content.get("pipelineSpec", content), spec)
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec),
            pipeline_spec_pb2.PipelineDeploymentConfig(),
        )
        self._typed = {"2.0.0": True, "2.1.0": False}[spec.schema_version]
        self._task = spec.root.dag.tasks[name]
        self._component = spec.components[self._task.component_ref.name]
        executor = deployment.executors[self._component.executor_label]
        self._container = executor.container
        _check("task", self._task)
        _check("component", self._component)
        _check("container", self._container)

    def executor_input(
        self,
        directory: Path,
        artifacts: Mapping[str, Any],
        arguments: Mapping[str, str],
    ) -> dict[str, Any]:
        """What a cluster's driver would tell the container.

        Args:
            directory: Of the task in its run: gets the outputs.
            artifacts: The inputs, from the tasks before.
            arguments: Of the pipeline.
        """
        assert artifacts.keys() == self._task.inputs.artifacts.keys()
        outputs = self._component.output_definitions.artifacts
        parameters = {
            key: self._value(parameter, arguments)
            for key, parameter in self._task.inputs.parameters.items()
        }
        return {
            "inputs": {
                "artifacts": dict(artifacts),
                "parameters" if self._typed else "parameterValues": parameters,
            },
            "outputs": {
                "artifacts": {
                    key: {
                        "artifacts": [
                            {
                                "name": key,
                                "uri": str(directory / key),
                                "type": json_format.MessageToDict(output.artifact_type),
                            }
                        ]
                    }
                    for key, output in outputs.items()
                },
                "outputFile": str(directory / "executor_output.json"),
            },
        }

    def command(self, executor_input: Mapping[str, Any]) -> list[str]:
        """The container's command line.

        Raises:
            UnknownFieldError: If there is a placeholder in it beyond the whole input.
        """
        told = json.dumps(executor_input)
        command = [*self._container.command, *self._container.args]
        for word in command:
            if "{{" in word.replace("{{$}}", ""):
                raise UnknownFieldError(f"a placeholder in {word!r}")
        return [word.replace("{{$}}", told) for word in command]

    def _value(self, parameter: Message, arguments: Mapping[str, str]) -> Any:
        kind = parameter.WhichOneof("kind")
        if kind == "component_input_parameter":
            text = arguments[parameter.component_input_parameter]
            return {"stringValue": text} if self._typed else text
        if kind != "runtime_value":
            raise UnknownFieldError(f"a parameter from {kind}")
        value = parameter.runtime_value
        expected = "constant_value" if self._typed else "constant"
        if value.WhichOneof("value") != expected:
            raise UnknownFieldError(
                f"a parameter that is a {value.WhichOneof('value')}"
            )
        return json_format.MessageToDict(getattr(value, expected))


def _check(what: str, message: Message) -> None:
    unknown = {field.name for field, _ in message.ListFields()} - _KNOWN[what]
    if unknown:
        raise UnknownFieldError(f"{what}: {', '.join(sorted(unknown))}")
