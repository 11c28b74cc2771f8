"""What the penguins' search is when Vertex AI Vizier suggests its trials.

This is a user's module for TFX, which copies it to the machines of the job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.penguin import penguin_module
from tuner_component import TunerFnResult
from tuner_component.oracles import VizierSearch

if TYPE_CHECKING:
    from tfx.v1.components import FnArgs

TRIALS = 6
_EPOCHS = 4


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Says what the Tuner searches."""
    drawn = penguin_module.tuner_fn(fn_args)
    config = fn_args.custom_config
    tuner = VizierSearch(
        drawn.tuner.hypermodel,
        project_id=config["project"],
        region=config["ai_platform_vertex_region"],
        objective="val_loss",
        max_trials=TRIALS,
        directory=fn_args.working_dir,
    )
    return TunerFnResult(tuner, {**drawn.fit_kwargs, "epochs": _EPOCHS})
