"""Measurements in buckets, and a search over how many: features, model and export.

The Tuner and the Trainer get raw examples. Both run Transform themselves, with the
hyperparameters as its `custom_config`: the Tuner once for each number of buckets, whatever
the number of trials, and the Trainer with the best one.
"""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx.v1.components import FnArgs
from tfx_bsl.public import tfxio

from tuner_component import (
    TunedTransform,
    TunerFnResult,
    load_best_hyperparameters,
)

MEASUREMENTS = (
    "bill_length_mm",
    "bill_depth_mm",
    "flipper_length_mm",
    "body_mass_g",
)
LABEL = "species"
BUCKETS = (2, 4, 8, 16)

_SEED = 7
_BATCH_SIZE = 32


def preprocessing_fn(
    inputs: dict[str, tf.SparseTensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Turns each measurement into the number of its quantile bucket.

    Args:
        inputs: The raw columns, with at most one value per row.
        custom_config: `buckets`: how many a measurement has.

    Returns:
        The buckets, and the label as an index into its vocabulary; each [batch, 1]. A
        measurement that is missing is in the first bucket.
    """
    outputs = {}
    for name in MEASUREMENTS:
        outputs[name] = tft.bucketize(_numbers(inputs[name]), custom_config["buckets"])
    species = tf.sparse.to_dense(inputs[LABEL], "NA")
    outputs[LABEL] = tft.compute_and_apply_vocabulary(
        tf.reshape(species, [-1, 1]), vocab_filename=LABEL
    )
    return outputs


def _numbers(column: tf.SparseTensor) -> tf.Tensor:
    values = column.values
    if values.dtype == tf.string:  # A column with NAs is read as text.
        values = tf.strings.to_number(tf.where(values == "NA", "-1", values))
    shape = [column.dense_shape[0], 1]
    dense = tf.SparseTensor(column.indices, tf.cast(values, tf.float32), shape)
    return tf.sparse.to_dense(dense, -1.0)


class BucketModel(keras_tuner.HyperModel):
    """A classifier of buckets; its search space is defined here and nowhere else."""

    def __init__(self, fn_args: FnArgs, buckets: int | None = None) -> None:
        """Reads from `fn_args`; `buckets` fixes the number that is tuned otherwise."""
        super().__init__()
        self._fn_args = fn_args
        self._buckets = buckets
        self._transform = TunedTransform(fn_args, preprocessing_fn)

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Builds and compiles a model; each input is [batch, 1]."""
        buckets = self._buckets or hp.Choice("buckets", BUCKETS)
        inputs = {
            name: keras.Input((1,), name=name, dtype="int64") for name in MEASUREMENTS
        }
        encode = keras.layers.CategoryEncoding(buckets, output_mode="one_hot")
        x = keras.layers.Concatenate()([encode(column) for column in inputs.values()])
        x = keras.layers.Dense(hp.Int("units", 8, 64, step=8), activation="relu")(x)
        x = keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5, step=0.1))(x)
        outputs = keras.layers.Dense(3, activation="softmax")(x)
        model = keras.Model(inputs, outputs)
        rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
        model.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    def fit(
        self, hp: keras_tuner.HyperParameters, model: keras.Model, **kwargs: Any
    ) -> Any:
        """Trains on what Transform makes with these hyperparameters."""
        _, train = self.data(hp, "train")
        _, evaluation = self.data(hp, "eval")
        return model.fit(train, validation_data=evaluation, **kwargs)

    def data(
        self, hp: keras_tuner.HyperParameters, split: str
    ) -> tuple[tft.TFTransformOutput, tf.data.Dataset]:
        """The transform graph for hyperparameters, and batches of a split."""
        made = self._transform({"buckets": self._buckets or hp.get("buckets")})
        graph = tft.TFTransformOutput(made.graph)
        options = tfxio.TensorFlowDatasetOptions(
            batch_size=_BATCH_SIZE, label_key=LABEL, num_epochs=1, shuffle_seed=_SEED
        )
        schema = graph.transformed_metadata.schema
        dataset = self._fn_args.data_accessor.tf_dataset_factory(
            made.files(split), options, schema
        )
        return graph, dataset.cache()


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Says what the Tuner searches: see `tuner_component.Tuner`."""
    tuner = keras_tuner.RandomSearch(
        BucketModel(fn_args),
        objective="val_loss",
        max_trials=(fn_args.custom_config or {}).get("trials", 12),
        seed=_SEED,
        directory=fn_args.working_dir,
        project_name="buckets",
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"epochs": 10, "verbose": 2})


def run_fn(fn_args: FnArgs) -> None:
    """Trains with given hyperparameters and exports the model for serving.

    Args:
        fn_args: Where the raw data are, the hyperparameters (from the Tuner or an
            importer), and where to export the model.
    """
    hp = load_best_hyperparameters(fn_args.hyperparameters)
    recipe = BucketModel(fn_args)
    model = recipe.build(hp)
    recipe.fit(hp, model, epochs=20, verbose=2)
    graph, _ = recipe.data(hp, "train")
    serving = ServingModel(model, graph)
    tf.saved_model.save(
        serving,
        fn_args.serving_model_dir,
        signatures={"serving_default": serving.predict},
    )


class ServingModel(tf.Module):
    """The trained model behind its transform graph, for serialized `tf.Example`s."""

    def __init__(self, model: keras.Model, graph: tft.TFTransformOutput) -> None:
        super().__init__()
        self._model = model
        self._transform = graph.transform_features_layer()
        spec = graph.raw_feature_spec()
        self._raw_spec = {name: spec[name] for name in MEASUREMENTS}
        self._species = tf.constant(graph.vocabulary_by_name(LABEL))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def predict(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies penguins.

        Args:
            examples: Serialized examples with the raw columns, [batch].

        Returns:
            `species`, the most probable one, [batch], and `probabilities`, [batch, 3].
        """
        raw = tf.io.parse_example(examples, self._raw_spec)
        probabilities = self._model(self._transform(raw))
        best = tf.argmax(probabilities, axis=1)
        return {
            "species": tf.gather(self._species, best),
            "probabilities": probabilities,
        }
