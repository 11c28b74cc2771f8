"""The Tuner whose trials run in a job of Vertex AI: what a pipeline author writes down."""

from tfx.dsl.components.base import executor_spec

from tuner_component import component
from tuner_component.extensions.google_cloud_ai_platform import executor


class Tuner(component.Tuner):
    """A drop-in for `tfx.v1.extensions.google_cloud_ai_platform.Tuner`.

    Arguments and outputs are those of `tuner_component.Tuner`. `custom_config` describes the
    job, by the keys that this package has under TFX's names:

    - `TUNING_ARGS_KEY` (or `TRAINING_ARGS_KEY`, if there is no such entry): a dictionary with
      `project` and the fields of a CustomJob of Vertex AI, such as `job_spec`;
    - `ENABLE_VERTEX_KEY`: True;
    - `VERTEX_REGION_KEY`: the region, such as "us-central1";
    - `JOB_ID_KEY`: the display name of the job, if it is to have a certain one.

    `tune_args.num_parallel_trials` is the number of machines: each runs one trial at a time,
    the first one the search as well.
    """

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)
