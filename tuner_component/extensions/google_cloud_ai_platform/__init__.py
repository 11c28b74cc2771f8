"""In place of `tfx.v1.extensions.google_cloud_ai_platform`: a Tuner whose trials run in a job.

The names are TFX's, and the values of the keys are, too.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tuner_component.identity.cloud_keys import (
    ENABLE_UCAIP_KEY,
    ENABLE_VERTEX_KEY,
    JOB_ID_KEY,
    LABELS_KEY,
    REMOTE_TRIALS_WORKING_DIR_KEY,
    TRAINING_ARGS_KEY,
    TUNING_ARGS_KEY,
    UCAIP_REGION_KEY,
    VERTEX_REGION_KEY,
)

if TYPE_CHECKING:
    from tuner_component.extensions.google_cloud_ai_platform.component import (
        Tuner as Tuner,
    )

__all__ = [
    "ENABLE_UCAIP_KEY",
    "ENABLE_VERTEX_KEY",
    "JOB_ID_KEY",
    "LABELS_KEY",
    "REMOTE_TRIALS_WORKING_DIR_KEY",
    "TRAINING_ARGS_KEY",
    "TUNING_ARGS_KEY",
    "UCAIP_REGION_KEY",
    "VERTEX_REGION_KEY",
    "Tuner",
]


def __getattr__(name: str) -> Any:
    # A replica of the job needs no component, which imports TFX.
    if name != "Tuner":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return importlib.import_module(f"{__name__}.component").Tuner
