"""The executor of the Tuner in a job: the part that starts it, and that of its replicas."""

import contextlib
import logging
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import name_utils, proto_utils

from tuner_component import executor
from tuner_component.arguments import tune_args
from tuner_component.extensions.flock import chief, follower, machine, roles
from tuner_component.extensions.flock.board import Board, Machine
from tuner_component.extensions.flock.ray_node import PLACE
from tuner_component.extensions.google_cloud_ai_platform import custom_job, runner
from tuner_component.identity import study_directory
from tuner_component.identity.cloud_keys import (
    ENABLE_VERTEX_KEY,
    JOB_ID_KEY,
    OF_JOBS,
    REMOTE_TRIALS_WORKING_DIR_KEY,
    TUNING_ARGS_KEY,
    VERTEX_REGION_KEY,
)
from tuner_component.pipeline import fn_args
from tuner_component.proto import tuner_pb2
from tuner_component.report import search_log
from tuner_component.search.errors import SearchError, SearchStoppedError
from tuner_component.search.machine import posix

__all__ = ["REMOTE_TRIALS_WORKING_DIR_KEY", "TUNING_ARGS_KEY", "Executor"]

_log = logging.getLogger("tuner_component")


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Runs the search as a job of Vertex AI, and waits for it."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Starts the job, waits for its end, and publishes what it has found.

        Args:
            input_dict: Input artifacts by the keys of `TunerSpec`.
            output_dict: Output artifacts by the keys of `TunerSpec`.
            exec_properties: Execution properties by the keys of `TunerSpec`.

        Raises:
            ValueError: If the description of the job lacks something.
            TypeError: If it is none.
            SearchError: If the job cannot be started, or fails: the error of a replica.
            SearchStoppedError: If this process was told to end; the job is cancelled.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        with search_log.on_stdout():
            self._run_job(input_dict, output_dict, exec_properties)

    def _run_job(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        config = fn_args.custom_config(exec_properties)
        described = _described(config)
        args = tune_args.from_exec_properties(exec_properties.get(specs.TUNE_ARGS_KEY))
        _check_cluster(args)
        if not config.get(ENABLE_VERTEX_KEY):
            raise ValueError(runner.no_vertex())
        if not args.study_dir and self._context and self._context.stateful_working_dir:
            # The job has another context.
            args.study_dir = study_directory.parent(args, self._context, output_dict)
            exec_properties = {
                **exec_properties,
                specs.TUNE_ARGS_KEY: proto_utils.proto_to_json(args),
            }
        replicas = args.num_parallel_trials * (args.cluster.workers_per_trial or 1)
        runner.start_cloud_training(
            input_dict,
            output_dict,
            exec_properties,
            name_utils.get_full_name(_WorkerExecutor),
            custom_job.with_workers(described, replicas),
            config.get(JOB_ID_KEY),
            None,
            config[ENABLE_VERTEX_KEY],
            config.get(VERTEX_REGION_KEY),
        )


def _described(config: Any) -> dict[str, Any]:
    """The user's description of the job.

    Raises:
        ValueError: If there is none.
        TypeError: If it is no dictionary.
    """
    if not isinstance(config, dict | None):
        raise TypeError(
            "Expected custom_config to be a dictionary. Received: "
            f"{config!r} of type {type(config).__name__}."
        )
    given = config or {}
    found = next((given[key] for key in OF_JOBS if key in given), None)
    if found is None:
        raise ValueError(
            "Expected custom_config to have TUNING_ARGS_KEY, a dictionary that describes "
            f"the job. Received: {', '.join(given) or 'no custom_config'}. Add it, "
            "or take tuner_component.Tuner, which starts no job."
        )
    if not isinstance(found, dict):
        raise TypeError(
            "Expected the description of the job to be a dictionary: project, job_spec. "
            f"Received: {found!r} of type {type(found).__name__}."
        )
    return found


def _check_cluster(args: tuner_pb2.TuneArgs) -> None:
    if not args.HasField("cluster"):
        return
    if args.cluster.address != "auto" or args.cluster.driver_on_cluster:
        raise ValueError(
            'Expected tune_args.cluster to have the address "auto", and no '
            "driver_on_cluster: the job has a cluster of its own, and its first machine "
            f"the driver. Received: {args.cluster.address!r}, driver_on_cluster="
            f"{args.cluster.driver_on_cluster}. Leave cluster out, or take "
            "tuner_component.Tuner for a cluster that is there."
        )


class _WorkerExecutor(executor.Executor):
    """What each replica of the job runs."""

    def _say_that_no_job_starts(self, exec_properties: dict[str, Any]) -> None:
        """It is the job."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Is a node of the job's cluster; the first replica runs the search as well.

        Args:
            input_dict: Input artifacts by the keys of `TunerSpec`.
            output_dict: Output artifacts by the keys of `TunerSpec`.
            exec_properties: Execution properties by the keys of `TunerSpec`.

        Raises:
            SearchError: If the cluster cannot be formed.
            Exception: What the search raises.
        """
        properties = dict(exec_properties)
        board = _board(properties)
        role = roles.from_environment(os.environ)
        name = role.name if role else "workerpool0-0"
        board.forget_failure(name)
        here = machine.here()
        with _failures_told(board, name), _signals_raised():
            if role and not role.is_chief:
                follower.follow(role, board, here)
                return
            args = tune_args.from_exec_properties(properties.get(specs.TUNE_ARGS_KEY))
            with contextlib.ExitStack() as stack:
                if role:
                    at = stack.enter_context(chief.leading(role, board, here))
                    args = in_flock(args, len(role.names), *at)
                    properties[specs.TUNE_ARGS_KEY] = proto_utils.proto_to_json(args)
                super().Do(input_dict, output_dict, properties)
                board.add_outputs(artifact_utils.jsonify_artifact_dict(output_dict))


def in_flock(
    args: tuner_pb2.TuneArgs, replicas: int, address: str, least: Machine
) -> tuner_pb2.TuneArgs:
    """The arguments of a search in a flock: each trial has a machine for itself.

    Args:
        args: The user's; not changed.
        replicas: How many machines there are.
        address: The head of their cluster.
        least: What each of them has.
    """
    found = tuner_pb2.TuneArgs()
    found.CopyFrom(args)
    each = found.cluster.workers_per_trial or 1
    found.num_parallel_trials = found.num_parallel_trials or max(1, replicas // each)
    found.cluster.address = address
    found.cluster.resources_per_trial[PLACE] = 1
    if not found.cpus_per_trial:
        found.cpus_per_trial = max(1, int(least.cpus))
    if not found.HasField("gpus_per_trial"):
        found.gpus_per_trial = least.gpus
    return found


def _board(properties: dict[str, Any]) -> Board:
    directory = properties.pop(runner.BOARD_KEY, None)
    if directory is None:
        raise SearchError(
            f"Expected the execution property {runner.BOARD_KEY}. Received: none. This "
            "executor is for the replicas of a job: take the component Tuner, which "
            "starts one."
        )
    return Board(directory)


@contextlib.contextmanager
def _failures_told(board: Board, name: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        _log.error("The replica %s ends with an error: %s", name, error)
        board.fail(name, error)
        raise


@contextlib.contextmanager
def _signals_raised() -> Iterator[None]:
    """Has SIGTERM end this process by an error, where the search does not catch it.

    The first process of a container would not notice it otherwise.
    """

    def raise_it(number: int, frame: FrameType | None) -> None:
        raise SearchStoppedError(
            "Expected the replica to be there until the search ends. Received: "
            f"{posix.signal_name(number)}."
        )

    before = signal.signal(signal.SIGTERM, raise_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
