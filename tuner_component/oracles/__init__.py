"""Search algorithms of optimization libraries, as KerasTuner oracles.

What any oracle needs to survive a crash is in `search.oracle`.
"""

from tuner_component.oracles.optuna_oracle import OptunaOracle
from tuner_component.oracles.optuna_search import OptunaSearch

__all__ = ["OptunaOracle", "OptunaSearch"]
