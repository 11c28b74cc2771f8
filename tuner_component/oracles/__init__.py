"""Search algorithms of optimisation libraries, as KerasTuner oracles.

Each oracle needs its library, an optional extra of this package, when it is used first.
The names below are imported on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tuner_component.oracles.optuna_oracle import OptunaOracle as OptunaOracle
    from tuner_component.oracles.optuna_search import OptunaSearch as OptunaSearch

_MODULE_OF = {"OptunaOracle": "optuna_oracle", "OptunaSearch": "optuna_search"}

__all__ = ["OptunaOracle", "OptunaSearch"]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
