"""The penguin pipeline with its Tuner in a job of the cloud, where Vizier suggests trials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from tests.support import beam

NAME = "penguin"
# The user's module of the Tuner; the other components have the example's own.
_MODULE = Path(__file__).with_name("vizier_module") / "penguin_vizier.py"


def run(
    root: Path, project: str, region: str, environment: Mapping[str, str], said: Path
) -> None:
    """Runs the pipeline in this process, which has done nothing yet.

    Args:
        root: Where the pipeline writes everything.
        project: The project of the job, and of Vizier.
        region: Their region.
        environment: Variables of this process from now on.
        said: The file for everything that this process prints.
    """
    output = os.open(said, os.O_WRONLY | os.O_CREAT)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    beam.quicken()

    from absl import logging
    from tfx import v1 as tfx

    from examples.penguin import artifacts, pipeline
    from tuner_component.extensions import google_cloud_ai_platform as cloud

    logging.set_verbosity(logging.INFO)  # The test reads the lines of trials.
    pool = {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {"image_uri": "registry.example/penguin:1"},
    }
    config = {
        "project": project,
        cloud.ENABLE_VERTEX_KEY: True,
        cloud.VERTEX_REGION_KEY: region,
        cloud.TUNING_ARGS_KEY: {
            "project": project,
            "job_spec": {"worker_pool_specs": [pool]},
        },
    }

    def in_cloud(**arguments: Any) -> cloud.Tuner:
        given = {**arguments, "module_file": str(_MODULE), "custom_config": config}
        return cloud.Tuner(**given)

    with mock.patch.object(pipeline, "Tuner", in_cloud):
        components = pipeline.create_components(
            str(pipeline.DATA),
            str(root / "serving"),
            tune_args=tfx.proto.TuneArgs(num_parallel_trials=3),
            hyperparameters=None,
        )
    tfx.orchestration.LocalDagRunner().run(
        tfx.dsl.Pipeline(
            pipeline_name=NAME,
            pipeline_root=str(root / NAME),
            metadata_connection_config=artifacts.connection_config(root),
            components=components,
            enable_cache=True,
        )
    )
