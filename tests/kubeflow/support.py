"""Running compiled pipelines with kfp.local, as the tests see it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.kubeflow import preloaded
from tests.support import environments, processes
from tests.support.penguin import ROOT

IMAGE = "localhost/penguin:test"
_DATA = ROOT / "examples" / "penguin" / "data"
_NAMESPACE = ("--pid", "--fork", "--kill-child", "--mount-proc")
_REQUIREMENTS = ROOT / "tests" / "kubeflow" / "requirements.txt"


def kfp_python() -> Path:
    """The Kubeflow SDK's own environment.

    The newest SDK and TFX 1.16 want different releases of protobuf.
    """
    return environments.interpreter("kfp", _REQUIREMENTS.read_text().splitlines())


def container_environment(directory: Path) -> dict[str, str]:
    """What a container of ours has around it: an interpreter, and the package.

    Args:
        directory: Gets a home and a directory that holds the package alone.
    """
    home, packages = directory / "home", directory / "packages"
    home.mkdir()
    packages.mkdir()
    (packages / "tuner_component").symlink_to(ROOT / "tuner_component")
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(home),
        "PYTHONPATH": str(packages),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PIP_NO_WARN_CONFLICTS": os.environ["PIP_NO_WARN_CONFLICTS"],
    }


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One run of a task's container.

    Attributes:
        task: The task's name.
        status: The exit status; negative for a signal.
        executor_input: What it was told, in the terms of the pipeline spec.
    """

    task: str
    status: int
    executor_input: Mapping[str, Any]

    def uri(self, output: str) -> Path:
        """Where it was told to write an output."""
        artifacts = self.executor_input["outputs"]["artifacts"]
        return Path(artifacts[output]["artifacts"][0]["uri"])

    def output(self) -> dict[str, Any]:
        """What its executor wrote of itself."""
        file = Path(self.executor_input["outputs"]["outputFile"])
        content: dict[str, Any] = json.loads(file.read_text())
        return content


@contextlib.contextmanager
def interpreter(directory: Path) -> Iterator[str]:
    """A container's Python that has imported what nodes need; see `preloaded`.

    Args:
        directory: Is made for it.

    Yields:
        The address at which it listens.
    """
    directory.mkdir()
    address = directory / "socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(address))
        listener.listen(16)
        process = subprocess.Popen(
            ["python", preloaded.__file__, str(listener.fileno())],
            cwd=directory,
            env=container_environment(directory),
            pass_fds=[listener.fileno()],
        )
    try:
        yield str(address)
    finally:
        processes.kill(*processes.descendants(process.pid), process.pid)
        process.wait()


@contextlib.contextmanager
def pod(
    command: list[str], directory: Path, interpreter: str
) -> Iterator[preloaded.Program]:
    """A container's command as process 1 of a process namespace, as pods have it.

    Nothing of it outlives process 1 there; and signals that process 1 does not handle
    have no effect on it.

    Args:
        command: The command.
        directory: Is made, and gets `stderr.txt`; standard output is a pipe.
        interpreter: Where the process listens that has the imports.
    """
    directory.mkdir()
    program = preloaded.start(
        interpreter,
        command,
        str(directory),
        container_environment(directory),
        str(directory / "stderr.txt"),
        pod=True,
    )
    try:
        yield program
    finally:
        processes.kill(*processes.descendants(program.pid)[:1])
        program.stdout.close()


def can_start_pods() -> bool:
    """Whether process namespaces can be made: it takes root and util-linux."""
    unshare = shutil.which("unshare")
    return unshare is not None and not subprocess.call([unshare, *_NAMESPACE, "true"])


def pipeline_of_one(directory: Path, command: list[str]) -> Path:
    """Writes a pipeline with one task, `fails`, that hands nothing over.

    Args:
        directory: Where it goes.
        command: What its container runs.
    """
    task = {"componentRef": {"name": "fails"}, "taskInfo": {"name": "fails"}}
    container = {"image": IMAGE, "command": command}
    spec = {
        "components": {"fails": {"executorLabel": "fails"}},
        "deploymentSpec": {"executors": {"fails": {"container": container}}},
        "pipelineInfo": {"name": "failing"},
        "root": {"dag": {"tasks": {"fails": task}}},
        "schemaVersion": "2.1.0",
        "sdkVersion": "none",
    }
    file = directory / "failing.yaml"
    file.write_text(yaml.safe_dump(spec))
    return file


class LocalRun:
    """A run of a compiled pipeline with kfp.local, in a process of its own.

    Args:
        file: The compiled pipeline.
        directory: Gets all that the run writes.
        arguments: Of the pipeline.
        root: Where artifacts go.
        engine: The environment variables of a container engine, or the address of an
            `interpreter`: then the containers' commands run as processes here.
        data: With an engine, the directory that containers may read.
    """

    def __init__(
        self,
        file: Path,
        directory: Path,
        arguments: Mapping[str, str],
        root: Path,
        engine: Mapping[str, str] | str,
        data: Path = _DATA,
    ) -> None:
        directory.mkdir()
        job, self._report = directory / "job.json", directory / "report.json"
        self.lines: list[str] = []
        content: dict[str, Any] = {"file": str(file), "root": str(root)}
        content["arguments"] = dict(arguments)
        variables: Mapping[str, str] = {}
        if isinstance(engine, str):
            work = directory / "work"
            work.mkdir()
            content["environment"] = container_environment(directory)
            content |= {"directory": str(work), "interpreter": engine}
        else:
            content["data"], variables = str(data), engine
        job.write_text(json.dumps(content))
        self.process = subprocess.Popen(
            [kfp_python(), "-m", "tests.kubeflow.run_locally", job, self._report],
            cwd=ROOT,
            env={
                **os.environ,
                **variables,
                "PYTHONPATH": str(ROOT),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )

    def follow(self) -> Iterator[str]:
        """Yields what it prints, line by line, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            yield self.lines[-1]
        self.process.wait()

    def close(self) -> None:
        """Ends it, and what it has started, if that is still running."""
        processes.kill(*processes.descendants(self.process.pid), self.process.pid)
        self.process.wait()

    @property
    def output(self) -> str:
        """What it has printed so far."""
        return "\n".join(self.lines)

    def error(self) -> str | None:
        """What the run ended with; None where it succeeded."""
        error: str | None = self._read()["error"]
        assert (error is None) == (self.process.returncode == 0), self.output
        return error

    def attempts(self, task: str | None = None) -> list[Attempt]:
        """The containers that ran, in order.

        Args:
            task: Only this one's.
        """
        found = [_attempt(**attempt) for attempt in self._read()["attempts"]]
        return [a for a in found if task in (None, a.task)]

    def _read(self) -> dict[str, Any]:
        assert self._report.exists(), self.output
        content: dict[str, Any] = json.loads(self._report.read_text())
        return content


def _attempt(command: list[str], status: int) -> Attempt:
    if "--json_serialized_invocation_args" not in command:
        return Attempt("", status, {})
    position = command.index("--json_serialized_invocation_args")
    executor_input = json.loads(command[position + 1])
    task = Path(executor_input["outputs"]["outputFile"]).parent.name
    return Attempt(task, status, executor_input)
