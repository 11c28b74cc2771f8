"""Whether a trial is nothing but KerasTuner's own loop around Keras' own `fit`.

Only then is it known what a trial does without running it.
"""

from typing import Any

import keras
import keras_tuner
from keras_tuner.engine import base_tuner

_TRAINS = ("run_trial", "_build_and_fit_model")
# What runs between the end of a trial and the request for the next one.
_BETWEEN = ("search", "on_trial_end", "save", "pre_create_trial")
# What a tuner of the user's own may define, and trials are trained as before.
_HARMLESS = {
    "get_best_hyperparameters",
    "get_best_models",
    "get_state",
    "load_model",
    "on_search_end",
    "on_trial_end",
    "results_summary",
    "save_model",
    "search_space_summary",
    "set_state",
}


def trains(tuner: Any) -> bool:
    """Whether KerasTuner builds the models, calls their `fit`, and takes what it returns."""
    stock = (keras_tuner.Tuner, keras_tuner.Hyperband)
    return (
        isinstance(tuner, stock)
        and all(
            getattr(type(tuner), name) in [getattr(cls, name) for cls in stock]
            for name in _TRAINS
        )
        and type(tuner.hypermodel).fit is keras_tuner.HyperModel.fit
    )


def is_known(tuner: Any) -> bool:
    """Whether nothing of the user's own comes in between, either.

    A `search` may add arguments, an `on_trial_begin` may make what the model needs.
    """
    if not trains(tuner):
        return False
    own = set(vars(tuner))
    for cls in type(tuner).__mro__:
        if cls.__module__.partition(".")[0] != "keras_tuner":
            own |= set(vars(cls))
    hooks = {name for name in dir(keras_tuner.Tuner) if not name.startswith("__")}
    return own & hooks <= _HARMLESS


def asks_at_once(tuner: Any) -> bool:
    """Whether nothing of the user's own comes between a trial's end and the next trial.

    To be asked before `instrument` has put its own methods there.
    """
    stock = (keras_tuner.Tuner, base_tuner.BaseTuner)
    return all(
        name not in vars(tuner)
        and getattr(type(tuner), name) in [getattr(cls, name) for cls in stock]
        for name in _BETWEEN
    )


def is_plain(model: Any) -> bool:
    """Whether a model's `fit` is that of Keras."""
    return isinstance(model, keras.Model) and type(model).fit is keras.Model.fit
