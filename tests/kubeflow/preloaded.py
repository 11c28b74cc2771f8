"""Runs the commands of TFX's nodes in forks of a process that has imported TFX.

The imports are most of what a node of a tiny pipeline takes. Here they happen once for a
run of a pipeline. All else is as in a container: a process of its own, which runs the
module that the command names, with the command's arguments, from its beginning.

As a program, this file is the process that has the imports. `Interpreter` starts it, from
an environment that has neither TFX nor this project's package.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

MODULE = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
# What that module imports, and what the nodes of the example do.
_IMPORTS = (
    "keras",
    "tfx.components.evaluator.executor",
    "tfx.components.example_gen.csv_example_gen.executor",
    "tfx.components.example_validator.executor",
    "tfx.components.pusher.executor",
    "tfx.components.schema_gen.executor",
    "tfx.components.statistics_gen.executor",
    "tfx.components.trainer.executor",
    "tfx.components.transform.executor",
    "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_entrypoint_utils",
    "tfx.orchestration.portable.outputs_utils",
)
_LONGEST = 1 << 17  # Bytes of a command.


def understands(command: list[str]) -> bool:
    """Whether `Interpreter.run` takes a command.

    It leaves out the Tuner, which a test finds by its command line, and kills.
    """
    return command[:3] == ["python", "-m", MODULE] and not any(
        word.startswith("tuner_component.") for word in command
    )


class Interpreter:
    """A container's Python that has imported what nodes need.

    Args:
        directory: The working directory of all that it runs.
        environment: What the image would set.
    """

    def __init__(self, directory: str, environment: Mapping[str, str]) -> None:
        self._requests, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            subprocess.Popen(
                ["python", __file__, str(theirs.fileno())],
                cwd=directory,
                env=dict(environment),
                pass_fds=[theirs.fileno()],
            )

    def run(self, command: list[str], variables: Mapping[str, str]) -> int:
        """Runs `python -m MODULE ...`, prints what it prints, returns its exit status.

        Args:
            command: The command.
            variables: Of the environment, beside the image's.
        """
        output, theirs = os.pipe()
        message = json.dumps([command[3:], dict(variables)]).encode()
        socket.send_fds(self._requests, [message], [theirs])
        os.close(theirs)
        with open(output, errors="replace") as lines:
            for line in lines:
                print(line, end="", flush=True)
        return int(self._requests.recv(_LONGEST))


def main(descriptor: int) -> None:
    """Forks a process for each command, until no more can come."""
    sys.path[0] = os.getcwd()  # As with -m; until now it is this file's directory.
    for name in _IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    requests = socket.socket(fileno=descriptor)
    while True:
        message, descriptors, _, _ = socket.recv_fds(requests, _LONGEST, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            requests.close()
            _run(*json.loads(message), *descriptors)
        os.close(descriptors[0])
        _, status = os.waitpid(pid, 0)
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _run(arguments: list[str], variables: dict[str, str], output: int) -> NoReturn:
    status = 1
    try:
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.update(variables)
        sys.argv[1:] = arguments
        runpy.run_module(MODULE, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - as an interpreter ends with one
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(int(sys.argv[1]))
