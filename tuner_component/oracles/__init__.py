"""Search algorithms, as KerasTuner oracles.

What any oracle needs to survive a crash is in `search.oracle`. The names below are
imported on first use: a search that needs none of them does without Optuna and gRPC.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner_component.oracles.auto_oracle import AutoOracle as AutoOracle
    from tuner_component.oracles.optuna_oracle import OptunaOracle as OptunaOracle
    from tuner_component.oracles.optuna_search import OptunaSearch as OptunaSearch
    from tuner_component.oracles.vizier_oracle import VizierOracle as VizierOracle
    from tuner_component.oracles.vizier_search import VizierSearch as VizierSearch

_MODULE_OF = {
    "AutoOracle": "auto_oracle",
    "OptunaOracle": "optuna_oracle",
    "OptunaSearch": "optuna_search",
    "VizierOracle": "vizier_oracle",
    "VizierSearch": "vizier_search",
}

__all__ = [
    "AutoOracle",
    "OptunaOracle",
    "OptunaSearch",
    "VizierOracle",
    "VizierSearch",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULE_OF[name]}")
    return getattr(module, name)
