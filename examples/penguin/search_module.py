"""A search for the command line: penguins directly from their CSV file, no pipeline.

    tuner-component tune examples/penguin/search_module.py \
        --train examples/penguin/data/penguins.csv --out runs/search
"""

from typing import Any

import keras
import keras_tuner
from tfx.components.trainer.fn_args_utils import FnArgs

from tuner_component import TunerFnResult, data

FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search: 20 small networks that classify species.

    Args:
        fn_args: Where the data and the schema inferred from them are.
    """
    x, y = _penguins(fn_args, "train")
    tuner = keras_tuner.RandomSearch(
        build_model,
        objective="val_loss",
        max_trials=20,
        directory=fn_args.working_dir,
        project_name="penguins",
    )
    return TunerFnResult(
        tuner=tuner,
        fit_kwargs={
            "x": x,
            "y": y,
            "validation_data": _penguins(fn_args, "eval"),
            "epochs": 15,
            "verbose": 2,
        },
    )


def build_model(hp: keras_tuner.HyperParameters) -> keras.Model:
    """Builds a model with the hyperparameters of a trial."""
    model = keras.Sequential([keras.Input((len(FEATURES),))])
    model.add(keras.layers.BatchNormalization())
    for _ in range(hp.Int("layers", 1, 3)):
        model.add(keras.layers.Dense(hp.Int("units", 4, 32, step=4), "relu"))
    model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)))
    model.add(keras.layers.Dense(len(SPECIES), "softmax"))
    rate = hp.Float("learning_rate", 1e-4, 1e-1, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _penguins(fn_args: FnArgs, split: str) -> tuple[Any, Any]:
    """Measurements, and the number of the species. Missing values become 0."""
    return data.table(
        fn_args, split, FEATURES, label="species", classes=SPECIES, missing=0.0
    )
