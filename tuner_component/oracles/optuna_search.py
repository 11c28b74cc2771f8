"""A tuner that searches with Optuna's samplers."""

from typing import Any

import keras_tuner

from tuner_component.oracles.optuna_oracle import OptunaOracle


class OptunaSearch(keras_tuner.Tuner):  # type: ignore[misc]
    """Searches with one of Optuna's samplers; used like KerasTuner's own tuners.

        tuner = OptunaSearch(build_model, objective="val_loss", max_trials=50)
        tuner.search(x, y, validation_data=(x_val, y_val))

    Args:
        hypermodel: See `keras_tuner.Tuner`.
        objective: See `keras_tuner.Oracle`.
        max_trials: How many trials at most.
        sampler: `"tpe"`, `"gp"`, `"cmaes"`, `"qmc"`, `"random"`, or one of Optuna's
            samplers: see `OptunaOracle`.
        seed: Makes the search reproducible.
        hyperparameters: See `keras_tuner.Oracle`.
        tune_new_entries: See `keras_tuner.Oracle`.
        allow_new_entries: See `keras_tuner.Oracle`.
        max_retries_per_trial: See `keras_tuner.Oracle`.
        max_consecutive_failed_trials: See `keras_tuner.Oracle`.
        **kwargs: Further arguments of `keras_tuner.Tuner`, such as `directory` and
            `executions_per_trial`.

    Raises:
        ValueError: If there is no such sampler.
        ImportError: If the sampler is "gp" and PyTorch is not installed.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int = 10,
        sampler: Any = "tpe",
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        oracle = OptunaOracle(
            objective=objective,
            max_trials=max_trials,
            sampler=sampler,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)
