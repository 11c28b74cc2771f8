"""A search for the command line: penguins directly from their CSV file, no pipeline.

    tuner-component tune examples/penguin/search_module.py \
        --train examples/penguin/data/penguins.csv --out runs/search
"""

from collections.abc import Sequence

import keras
import keras_tuner
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.utils import io_utils
from tfx_bsl.public import tfxio

from tuner_component import TunerFnResult

FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search: 20 small networks that classify species.

    Args:
        fn_args: Where the data and the schema inferred from them are.
    """
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
            "x": _dataset(fn_args.train_files, fn_args),
            "validation_data": _dataset(fn_args.eval_files, fn_args),
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


def _dataset(files: Sequence[str], fn_args: FnArgs) -> tf.data.Dataset:
    """Reads batches of (measurements, number of the species) into memory."""
    schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
    options = tfxio.TensorFlowDatasetOptions(
        batch_size=32, label_key="species", num_epochs=1, shuffle=False
    )
    rows = fn_args.data_accessor.tf_dataset_factory(files, options, schema)
    number_of = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(SPECIES, tf.range(len(SPECIES))), -1
    )

    def convert(
        features: dict[str, tf.Tensor], species: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        columns = [_number(features[name]) for name in FEATURES]
        return tf.concat(columns, 1), number_of.lookup(species)

    # The file is sorted by species.
    return rows.map(convert).unbatch().cache().shuffle(400, seed=1).batch(32)


def _number(column: tf.Tensor | tf.SparseTensor) -> tf.Tensor:
    """A column as numbers; missing values, which the file marks as NA, become 0."""
    if isinstance(column, tf.SparseTensor):
        column = tf.sparse.to_dense(column)
    if column.dtype != tf.string:
        return tf.cast(column, tf.float32)
    known = tf.strings.regex_full_match(column, r"[\d.]+")
    return tf.strings.to_number(tf.where(known, column, "0"))
