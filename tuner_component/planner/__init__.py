"""The algorithm of `search="auto"`: which trial trains next, and for how many epochs.

It knows neither KerasTuner's oracles nor whatever runs trials, so that replays of
recorded curves and real searches use the same code.
"""

from tuner_component.planner.encoding import Encoder
from tuner_component.planner.planner import Planner
from tuner_component.planner.steps import (
    Continue,
    Finished,
    Start,
    Step,
    Wait,
)
from tuner_component.search.epochs import Decision

__all__ = [
    "Continue",
    "Decision",
    "Encoder",
    "Finished",
    "Planner",
    "Start",
    "Step",
    "Wait",
]
