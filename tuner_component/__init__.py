"""A drop-in for `tfx.v1.components.Tuner` that loses nothing.

The names below are imported on first use (PEP 562): importing this package costs
no TensorFlow and no TFX, and a process that needs only one layer loads only that.
"""

import importlib
from typing import TYPE_CHECKING, Any

from tuner_component.version import __version__

if TYPE_CHECKING:
    from tuner_component.component import Tuner as Tuner
    from tuner_component.component import TunerFnResult as TunerFnResult
    from tuner_component.component import TunerSpec as TunerSpec
    from tuner_component.executor import Executor as Executor
    from tuner_component.pipeline.tuned_transform import (
        TunedTransform as TunedTransform,
    )
    from tuner_component.proto.tuner_pb2 import Cluster as Cluster
    from tuner_component.proto.tuner_pb2 import Retry as Retry
    from tuner_component.proto.tuner_pb2 import Stopping as Stopping
    from tuner_component.proto.tuner_pb2 import TuneArgs as TuneArgs
    from tuner_component.proto.tuner_pb2 import TunerFnArgs as TunerFnArgs
    from tuner_component.report.loading import load_study as load_study
    from tuner_component.results.loading import TrialResult as TrialResult
    from tuner_component.results.loading import (
        load_best_hyperparameters as load_best_hyperparameters,
    )
    from tuner_component.results.loading import load_tuner_results as load_tuner_results
    from tuner_component.search.training.epoch_reports import (
        report_epoch as report_epoch,
    )
    from tuner_component.standalone.result import TuneResult as TuneResult
    from tuner_component.standalone.tune import tune as tune

_MODULE_OF = {
    "Cluster": "proto.tuner_pb2",
    "Executor": "executor",
    "Retry": "proto.tuner_pb2",
    "Stopping": "proto.tuner_pb2",
    "TrialResult": "results.loading",
    "TuneArgs": "proto.tuner_pb2",
    "TuneResult": "standalone.result",
    "TunedTransform": "pipeline.tuned_transform",
    "Tuner": "component",
    "TunerFnArgs": "proto.tuner_pb2",
    "TunerFnResult": "component",
    "TunerSpec": "component",
    "load_best_hyperparameters": "results.loading",
    "load_study": "report.loading",
    "load_tuner_results": "results.loading",
    "report_epoch": "search.training.epoch_reports",
    "tune": "standalone.tune",
}

__all__ = [
    "Cluster",
    "Executor",
    "Retry",
    "Stopping",
    "TrialResult",
    "TuneArgs",
    "TuneResult",
    "TunedTransform",
    "Tuner",
    "TunerFnArgs",
    "TunerFnResult",
    "TunerSpec",
    "__version__",
    "load_best_hyperparameters",
    "load_study",
    "load_tuner_results",
    "report_epoch",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
