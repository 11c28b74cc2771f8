"""What is specific to the penguins: features, model, search space and export.

TFX calls three functions of this module, each from another component:

* `preprocessing_fn` (Transform) turns the columns of the CSV into features;
* `tuner_fn` (Tuner) says what to search, and on which data;
* `run_fn` (Trainer) trains with the best hyperparameters and exports the model.

They may run on different machines, and `tuner_fn` in several processes at once: their
arguments contain everything that they need. TFX copies this file to wherever they run,
so it imports only installed packages, and no other file of this directory.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import keras
import keras_tuner
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.public import tfxio

from tuner_component import TunerFnResult, load_best_hyperparameters

if TYPE_CHECKING:
    from tfx.v1.components import DataAccessor, FnArgs

NUMERIC_FEATURES = (
    "bill_length_mm",
    "bill_depth_mm",
    "flipper_length_mm",
    "body_mass_g",
)
CATEGORICAL_FEATURES = ("island", "sex")
FEATURES = NUMERIC_FEATURES + CATEGORICAL_FEATURES
LABEL = "species"

# How the file marks a missing value.
MISSING = "NA"

_BATCH_SIZE = 32
_SEED = 20140305


def transformed_name(name: str) -> str:
    """Names the column that Transform makes from the raw column `name`."""
    return f"{name}_xf"


# --- Transform -----------------------------------------------------------------------


def preprocessing_fn(inputs: dict[str, tf.SparseTensor]) -> dict[str, tf.Tensor]:
    """Turns raw columns into features, each of shape [batch, 1].

    Args:
        inputs: The raw columns, with at most one value per row.

    Returns:
        Measurements as z-scores (a missing one becomes 0, which is the mean), and
        categories and the label as indices into vocabularies.
    """
    outputs = {}
    for name in NUMERIC_FEATURES:
        score = tft.scale_to_z_score(_numbers(inputs[name]))
        outputs[transformed_name(name)] = tf.where(tf.math.is_nan(score), 0.0, score)
    for name in CATEGORICAL_FEATURES:
        # The extra bucket is for values that training did not see.
        outputs[transformed_name(name)] = tft.compute_and_apply_vocabulary(
            _text(inputs[name]), vocab_filename=name, num_oov_buckets=1
        )
    outputs[transformed_name(LABEL)] = tft.compute_and_apply_vocabulary(
        _text(inputs[LABEL]), vocab_filename=LABEL
    )
    return outputs


def _numbers(column: tf.SparseTensor) -> tf.Tensor:
    """Replaces missing values by NaN, which Transform's statistics skip."""
    values = column.values
    if values.dtype == tf.string:  # A column with NAs is read as text.
        values = tf.strings.to_number(tf.where(values == MISSING, "nan", values))
    return _dense(column, tf.cast(values, tf.float32), math.nan)


def _text(column: tf.SparseTensor) -> tf.Tensor:
    """Replaces missing values by NA, which is a category like the others."""
    return _dense(column, column.values, MISSING)


def _dense(
    column: tf.SparseTensor, values: tf.Tensor, default: float | str
) -> tf.Tensor:
    shape = [column.dense_shape[0], 1]
    return tf.sparse.to_dense(tf.SparseTensor(column.indices, values, shape), default)


# --- Tuner ---------------------------------------------------------------------------


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Says what the Tuner searches.

    Args:
        fn_args: Where the data and the transform graph are, and a directory for the
            search.

    Returns:
        A KerasTuner tuner of any kind, and the arguments for its `search`, which
        passes them to `keras.Model.fit`.
    """
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    tuner = keras_tuner.RandomSearch(
        functools.partial(build_model, transform_output=transform_output),
        objective="val_loss",
        max_trials=8,
        seed=_SEED,
        directory=fn_args.working_dir,
        project_name="penguin",
    )
    return TunerFnResult(
        tuner=tuner, fit_kwargs=_fit_kwargs(fn_args, transform_output, epochs=8)
    )


def build_model(
    hp: keras_tuner.HyperParameters, transform_output: tft.TFTransformOutput
) -> keras.Model:
    """Builds and compiles a classifier of transformed features.

    Args:
        hp: Draws the hyperparameters in a search, and knows them afterwards: the
            search space is defined here and nowhere else.
        transform_output: Knows how many categories and species there are.

    Returns:
        A compiled model that maps features of shape [batch, 1] to the probabilities of
        the species, [batch, species].
    """
    # Every trial starts from the same seed, whichever process it runs in.
    keras.utils.set_random_seed(_SEED)
    layers = hp.Int("layers", 1, 3)
    units = hp.Int("units", 8, 64, step=8)
    dropout = hp.Float("dropout", 0.0, 0.5, step=0.1)
    learning_rate = hp.Float("learning_rate", 1e-4, 3e-2, sampling="log")

    inputs, encoded = _model_inputs(transform_output)
    x = keras.layers.Concatenate()(encoded)
    for _ in range(layers):
        x = keras.layers.Dense(units, activation="relu")(x)
        x = keras.layers.Dropout(dropout)(x)
    num_species = transform_output.vocabulary_size_by_name(LABEL)
    outputs = keras.layers.Dense(num_species, activation="softmax")(x)

    model = keras.Model(inputs, outputs)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _model_inputs(
    transform_output: tft.TFTransformOutput,
) -> tuple[dict[str, keras.KerasTensor], list[keras.KerasTensor]]:
    """Returns the model's inputs by name, and a list of them with one-hot categories."""
    inputs, encoded = {}, []
    for name in NUMERIC_FEATURES:
        column = keras.Input((1,), name=transformed_name(name))
        inputs[column.name] = column
        encoded.append(column)
    for name in CATEGORICAL_FEATURES:
        column = keras.Input((1,), name=transformed_name(name), dtype="int64")
        size = transform_output.vocabulary_size_by_name(name) + 1  # the extra bucket
        inputs[column.name] = column
        encoded.append(
            keras.layers.CategoryEncoding(size, output_mode="one_hot")(column)
        )
    return inputs, encoded


# --- Trainer -------------------------------------------------------------------------


def run_fn(fn_args: FnArgs) -> None:
    """Trains with given hyperparameters and exports the model for serving.

    Args:
        fn_args: Where the data and the transform graph are, the hyperparameters (from
            the Tuner or an importer), and where to export the model.
    """
    hp = load_best_hyperparameters(fn_args.hyperparameters)
    transform_output = tft.TFTransformOutput(fn_args.transform_graph_path)
    with tf.distribute.MirroredStrategy().scope():
        model = build_model(hp, transform_output)
    fit_kwargs = _fit_kwargs(fn_args, transform_output, epochs=20)
    fit_kwargs["callbacks"].append(keras.callbacks.TensorBoard(fn_args.model_run_dir))
    model.fit(**fit_kwargs)

    serving = ServingModel(model, transform_output)
    tf.saved_model.save(
        serving,
        fn_args.serving_model_dir,
        signatures={
            "serving_default": serving.predict,
            "transform_features": serving.transform_features,
        },
    )


def _fit_kwargs(
    fn_args: FnArgs, transform_output: tft.TFTransformOutput, epochs: int
) -> dict[str, Any]:
    """Returns the arguments of `fit` that tuning and training share."""
    dataset = functools.partial(
        _dataset,
        data_accessor=fn_args.data_accessor,
        transform_output=transform_output,
    )
    return {
        "x": dataset(fn_args.train_files, steps=fn_args.train_steps),
        "validation_data": dataset(fn_args.eval_files, steps=fn_args.eval_steps),
        "steps_per_epoch": fn_args.train_steps,
        "validation_steps": fn_args.eval_steps,
        "epochs": epochs,
        "callbacks": [
            keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True)
        ],
        "verbose": 2,  # One line per epoch: the output goes to a log.
    }


def _dataset(
    files: Sequence[str],
    steps: int | None,
    data_accessor: DataAccessor,
    transform_output: tft.TFTransformOutput,
) -> tf.data.Dataset:
    """Reads batches of (features by name, label), shuffled only once.

    The first pass stays in memory (remove `cache` for data that do not fit), and each
    further pass repeats it: every trial learns from the same batches, whichever process
    it runs in.

    Args:
        files: File patterns of a split.
        steps: Batches per epoch; the dataset is then infinite. None means one pass over
            the split.
        data_accessor: TFX's reader, which knows the files' format.
        transform_output: Its schema has the columns.
    """
    options = tfxio.TensorFlowDatasetOptions(
        batch_size=_BATCH_SIZE,
        label_key=transformed_name(LABEL),
        num_epochs=1,
        shuffle_seed=_SEED,
    )
    schema = transform_output.transformed_metadata.schema
    dataset = data_accessor.tf_dataset_factory(files, options, schema).cache()
    return dataset.repeat() if steps else dataset


class ServingModel(tf.Module):
    """The trained model behind its transform graph: what TF Serving loads.

    Both methods take serialized `tf.Example`s with the raw columns. Columns that the
    model does not use are ignored; columns that it uses may be missing.
    """

    def __init__(
        self, model: keras.Model, transform_output: tft.TFTransformOutput
    ) -> None:
        super().__init__()
        self._model = model
        # An attribute, so that the vocabularies are saved with the model.
        self._transform = transform_output.transform_features_layer()
        self._raw_spec = transform_output.raw_feature_spec()
        self._species = tf.constant(transform_output.vocabulary_by_name(LABEL))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def predict(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies penguins.

        Args:
            examples: Serialized examples, [batch].

        Returns:
            `species`, the most probable one, [batch]; `classes`, all species, and
            `probabilities`, one per class, both [batch, species].
        """
        probabilities = self._model(self._transformed(examples, FEATURES))
        best = tf.argmax(probabilities, axis=1)
        return {
            "species": tf.gather(self._species, best),
            "classes": tf.repeat([self._species], tf.shape(best)[0], axis=0),
            "probabilities": probabilities,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def transform_features(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Transforms features and label, for the Evaluator.

        Args:
            examples: Serialized examples, [batch].

        Returns:
            The transformed columns, each [batch, 1].
        """
        return self._transformed(examples, (*FEATURES, LABEL))

    def _transformed(
        self, examples: tf.Tensor, names: Sequence[str]
    ) -> dict[str, tf.Tensor]:
        spec = {name: self._raw_spec[name] for name in names}
        return self._transform(tf.io.parse_example(examples, spec))
