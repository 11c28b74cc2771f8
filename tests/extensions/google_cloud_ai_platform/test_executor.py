"""The Tuner that starts a job: what it asks for, and what its replicas are told."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any
from unittest import mock

import pytest
from tfx.dsl.components.base import base_executor
from tfx.extensions.google_cloud_ai_platform import constants
from tfx.extensions.google_cloud_ai_platform.trainer import executor as stock_trainer
from tfx.extensions.google_cloud_ai_platform.tuner import executor as stock
from tfx.proto import tuner_pb2 as tfx_tuner_pb2
from tfx.types import standard_artifacts
from tfx.types import standard_component_specs as specs
from tfx.utils import json_utils, proto_utils

from tests.support.project import ROOT
from tuner_component import Cluster, TuneArgs
from tuner_component import executor as plain
from tuner_component.extensions import google_cloud_ai_platform as cloud
from tuner_component.extensions.flock.board import Machine
from tuner_component.extensions.flock.ray_node import PLACE
from tuner_component.extensions.google_cloud_ai_platform import (
    custom_job,
    executor,
    runner,
)
from tuner_component.identity import cloud_keys, parts
from tuner_component.search.errors import SearchError

POOL = {
    "machine_spec": {"machine_type": "n1-standard-4"},
    "replica_count": 1,
    "container_spec": {"image_uri": "an-image", "env": [{"name": "A", "value": "b"}]},
}


def properties(config: Any, args: Any = None) -> dict[str, Any]:
    """Execution properties, as TFX passes them."""
    found = {specs.CUSTOM_CONFIG_KEY: json_utils.dumps(config)}
    if args is not None:
        found[specs.TUNE_ARGS_KEY] = proto_utils.proto_to_json(args)
    return found


def config(**more: Any) -> dict[str, Any]:
    """What a user writes."""
    return {
        cloud.ENABLE_VERTEX_KEY: True,
        cloud.VERTEX_REGION_KEY: "us-central1",
        cloud.TUNING_ARGS_KEY: {
            "project": "p",
            "job_spec": {"worker_pool_specs": [POOL]},
        },
        **more,
    }


def run(given: dict[str, Any], context: Any = None) -> Any:
    """What the executor starts the job with."""
    best = standard_artifacts.HyperParameters()
    best.uri = "gs://bucket/Tuner/best/1"
    with mock.patch.object(runner, "start_cloud_training") as start:
        executor.Executor(context).Do(
            {}, {specs.BEST_HYPERPARAMETERS_KEY: [best]}, given
        )
    return start.call_args


@pytest.mark.slow
def test_a_pipeline_needs_no_ray() -> None:
    """It would have to be installed where only the job is started."""
    program = (
        "import sys; sys.modules['ray'] = None; "
        "from tuner_component.extensions.google_cloud_ai_platform import Tuner"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_keys_are_those_of_tfx() -> None:
    """A pipeline with TFX's keys would describe no job."""
    theirs = {
        **{name: getattr(constants, name) for name in dir(constants)},
        **{name: getattr(stock_trainer, name) for name in dir(stock_trainer)},
        **{name: getattr(stock, name) for name in dir(stock)},
    }
    names = [name for name in cloud.__all__ if name.endswith("_KEY")]
    assert len(names) == 9
    assert {n: getattr(cloud, n) for n in names} == {n: theirs[n] for n in names}
    assert {getattr(cloud, name) for name in names} == cloud_keys.ALL


def test_there_is_a_machine_for_each_trial() -> None:
    """The search would have another number of workers than was asked for."""
    started = run(properties(config(), tfx_tuner_pb2.TuneArgs(num_parallel_trials=3)))
    pools = started.args[4]["job_spec"]["worker_pool_specs"]
    assert [pool["replica_count"] for pool in pools] == [1, 2]
    assert pools[1]["machine_spec"] == POOL["machine_spec"]


def test_one_trial_at_a_time_is_one_machine() -> None:
    """A second one would have nothing to do."""
    (pool,) = run(properties(config())).args[4]["job_spec"]["worker_pool_specs"]
    assert pool == POOL


def test_trials_of_several_processes_have_several_machines() -> None:
    """They would wait for places that there never are."""
    args = TuneArgs(
        num_parallel_trials=2, cluster=Cluster(address="auto", workers_per_trial=2)
    )
    pools = run(properties(config(), args)).args[4]["job_spec"]["worker_pool_specs"]
    assert [pool["replica_count"] for pool in pools] == [1, 3]


def test_training_args_stand_in_for_tuning_args() -> None:
    """Those who describe the job by the other key would get an error."""
    given = config()
    given[cloud.TRAINING_ARGS_KEY] = given.pop(cloud.TUNING_ARGS_KEY)
    assert run(properties(given)).args[4]["project"] == "p"


def test_the_study_is_where_the_plain_tuner_has_it() -> None:
    """Who changes from one to the other would begin anew."""
    directory = "gs://bucket/Tuner/.system/stateful_working_dir/1"
    context = base_executor.BaseExecutor.Context(stateful_working_dir=directory)
    given = run(properties(config()), context).args[2]
    assert "gs://bucket/Tuner/.system/studies" in given[specs.TUNE_ARGS_KEY]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "to have TUNING_ARGS_KEY"),
        (None, "to have TUNING_ARGS_KEY"),
        (config(**{cloud.ENABLE_VERTEX_KEY: False}), "Google has turned that off"),
    ],
)
def test_what_is_missing_is_said(given: Any, said: str) -> None:
    """The error would be that of a service, or of a dictionary."""
    with pytest.raises(ValueError, match=f"Expected .*{said}"):
        run(properties(given))


@pytest.mark.parametrize("given", [[], {cloud.TUNING_ARGS_KEY: "a-project"}])
def test_what_is_no_description_is_said(given: Any) -> None:
    """The error would be an attribute that a list does not have."""
    with pytest.raises(TypeError, match=r"Expected .* dictionary"):
        run(properties(given))


@pytest.mark.parametrize(
    "cluster",
    [Cluster(address="head:6379"), Cluster(address="auto", driver_on_cluster=True)],
)
def test_another_cluster_is_refused(cluster: Any) -> None:
    """It would be ignored, and the trials run where nobody looks for them."""
    args = TuneArgs(num_parallel_trials=2, cluster=cluster)
    with pytest.raises(ValueError, match="the job has a cluster of its own"):
        run(properties(config(), args))


def test_a_description_may_be_that_of_the_spec_alone() -> None:
    """What stock still takes, with a warning, would be refused."""
    described = {"worker_pool_specs": [POOL], "network": "n", "labels": {"a": "b"}}
    job = custom_job.build(custom_job.with_workers(described, 2), ["c"], "name", "1")
    assert job["job_spec"]["network"] == "n"
    assert [p["replica_count"] for p in job["job_spec"]["worker_pool_specs"]] == [1, 1]
    assert job["labels"]["a"] == "b"
    assert described == {
        "worker_pool_specs": [POOL],
        "network": "n",
        "labels": {"a": "b"},
    }


def test_what_is_the_users_stays() -> None:
    """GPUs, disks or variables would be lost on the way."""
    second = {"machine_spec": {"accelerator_count": 1}, "disk_spec": {"boot": 1}}
    described = {"job_spec": {"worker_pool_specs": [POOL, second]}}
    job = custom_job.build(custom_job.with_workers(described, 4), ["c"], None, "1")
    first, other = job["job_spec"]["worker_pool_specs"]
    assert first["container_spec"]["env"] == POOL["container_spec"]["env"]  # type: ignore[index]
    assert other["machine_spec"] == second["machine_spec"]
    assert other["disk_spec"] == second["disk_spec"]
    assert other["container_spec"]["image_uri"] == "an-image"
    assert other["replica_count"] == 3
    assert job["display_name"].startswith("tfx_tuner_")


def test_a_package_in_place_of_a_container_is_refused() -> None:
    """Its program would run, and no search."""
    described = {"worker_pool_specs": [{**POOL, "python_package_spec": {"a": 1}}]}
    with pytest.raises(ValueError, match="python_package_spec"):
        custom_job.build(described, ["c"], None, "1")


@pytest.mark.parametrize(
    "described",
    [
        {"job_spec": "text"},
        {"job_spec": {"worker_pool_specs": {}}},
        {"job_spec": ["a pool"]},
        {"worker_pool_specs": ["n1-standard-4"]},
    ],
)
def test_a_description_of_another_form_is_said(described: dict[str, Any]) -> None:
    """The error would be an attribute that text does not have."""
    with pytest.raises(TypeError, match="Expected job_spec to be a dictionary"):
        custom_job.with_workers(described, 2)


def test_each_trial_has_a_machine_for_itself() -> None:
    """All trials would run on the first machine, with one thread each."""
    least = Machine(cpus=7.5, gpus=2)
    args = executor.in_flock(TuneArgs(), 3, "head:1", least)
    assert args.num_parallel_trials == 3
    assert (args.cpus_per_trial, args.gpus_per_trial) == (7, 2)
    assert args.cluster.address == "head:1"
    assert dict(args.cluster.resources_per_trial) == {PLACE: 1}


def test_what_the_user_says_of_a_trial_counts() -> None:
    """A trial would get GPUs that it must not have, or another number of them."""
    given = TuneArgs(
        num_parallel_trials=3,
        cpus_per_trial=2,
        gpus_per_trial=0,
        cluster=Cluster(address="auto", memory_gib_per_trial=4),
    )
    args = executor.in_flock(given, 3, "head:1", Machine(cpus=8, gpus=1))
    assert (args.cpus_per_trial, args.gpus_per_trial) == (2, 0)
    assert args.cluster.memory_gib_per_trial == 4


def test_what_a_replica_runs_is_for_replicas_only() -> None:
    """A mistaken executor class would search without a word about the job."""
    with pytest.raises(SearchError, match="is for the replicas of a job"):
        executor._WorkerExecutor().Do({}, {}, properties(config()))


def test_where_a_job_runs_is_no_part_of_the_search() -> None:
    """Another machine type would begin the search anew."""

    def digest(given: Any) -> str:
        found = {specs.TUNER_FN_KEY: "json.dumps", **properties(given)}
        return parts.fingerprint_parts({}, found)[specs.CUSTOM_CONFIG_KEY]

    elsewhere = config(
        **{cloud.VERTEX_REGION_KEY: "europe-west4", cloud.JOB_ID_KEY: "j"}
    )
    assert (
        digest(config(own=1))
        == digest({**elsewhere, "own": 1})
        != digest(config(own=2))
    )


@pytest.mark.parametrize("key", cloud_keys.OF_JOBS)
def test_a_tuner_that_starts_no_job_says_so(
    caplog: pytest.LogCaptureFixture, key: str
) -> None:
    """People would wait for machines that nobody asked for."""
    caplog.set_level(logging.WARNING)
    plain.Executor()._say_that_no_job_starts(properties({key: {"project": "p"}}))
    assert "starts none: the search runs here" in caplog.text
    assert "tuner_component.extensions.google_cloud_ai_platform.Tuner" in caplog.text


@pytest.mark.parametrize("given", [None, {}, {"own": 1}])
def test_others_hear_nothing_of_jobs(
    caplog: pytest.LogCaptureFixture, given: Any
) -> None:
    """Each search would begin with a warning about a cloud."""
    plain.Executor()._say_that_no_job_starts(properties(given))
    plain.Executor()._say_that_no_job_starts({})
    assert caplog.text == ""
    assert json.loads(properties(given)[specs.CUSTOM_CONFIG_KEY]) == given
