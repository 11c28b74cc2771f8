"""The penguin pipeline with its Tuner on a cluster, run by the program of a process.

python -m tests.support.penguin_on_cluster ROOT ADDRESS
"""

from __future__ import annotations

import sys
from pathlib import Path

NAME = "penguin"


def run(root: Path, address: str) -> None:
    """Runs the pipeline in this process.

    Args:
        root: Where the pipeline writes everything.
        address: The head of the cluster.
    """
    from absl import logging
    from tfx import v1 as tfx

    from examples.penguin import artifacts, pipeline
    from tuner_component import Cluster, TuneArgs

    logging.set_verbosity(logging.INFO)  # The test reads the lines of trials.
    components = pipeline.create_components(
        str(pipeline.DATA),
        str(root / "serving"),
        tune_args=TuneArgs(num_parallel_trials=3, cluster=Cluster(address=address)),
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


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2])
