"""A tuner that searches with Vizier, in place of CloudTuner."""

from typing import Any

import keras_tuner

from tuner_component.oracles.vizier_oracle import VizierOracle


class VizierSearch(keras_tuner.Tuner):  # type: ignore[misc]
    """Searches with Vertex AI Vizier or an open-source Vizier; used as CloudTuner was.

        tuner = VizierSearch(
            build_model, project_id="my-project", region="us-central1",
            objective="val_loss", max_trials=50,
        )
        tuner.search(x, y, validation_data=(x_val, y_val))

    Args:
        hypermodel: See `keras_tuner.Tuner`.
        project_id: The project of Google Cloud, for Vertex AI Vizier.
        region: The region of Google Cloud where the study is.
        objective: See `keras_tuner.Oracle`.
        hyperparameters: See `keras_tuner.Oracle`.
        max_trials: How many trials at most.
        study_id: The name of the study, to share it among searches.
        endpoint: Host and port of an open-source Vizier service, in place of `project_id`
            and `region`.
        algorithm: The service's name of an algorithm; None for its default.
        give_up_after_s: The search ends when the service gave no answer for so many
            seconds.
        seed: Of what is drawn here; the service has seeds of its own.
        tune_new_entries: See `keras_tuner.Oracle`.
        allow_new_entries: See `keras_tuner.Oracle`.
        max_retries_per_trial: See `keras_tuner.Oracle`.
        max_consecutive_failed_trials: See `keras_tuner.Oracle`.
        **kwargs: Further arguments of `keras_tuner.Tuner`, such as `directory` and
            `executions_per_trial`.

    Raises:
        ValueError: If there is neither an endpoint nor a project and a region, or both.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        project_id: str | None = None,
        region: str | None = None,
        objective: Any = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        max_trials: int = 10,
        study_id: str | None = None,
        endpoint: str | None = None,
        algorithm: str | None = None,
        give_up_after_s: float = 600.0,
        seed: int | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        oracle = VizierOracle(
            objective=objective,
            max_trials=max_trials,
            project_id=project_id,
            region=region,
            study_id=study_id,
            endpoint=endpoint,
            algorithm=algorithm,
            give_up_after_s=give_up_after_s,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)
