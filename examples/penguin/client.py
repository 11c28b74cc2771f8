"""Queries the pushed model as a client would: raw rows in, species out."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import tensorflow as tf

from examples.penguin.penguin_module import FEATURES


@dataclasses.dataclass(frozen=True)
class Answer:
    """The model's answer for one penguin.

    Attributes:
        species: The most probable species.
        probabilities: All species with their probabilities.
    """

    species: str
    probabilities: Mapping[str, float]


def read_rows(path: Path, lines: Sequence[int]) -> list[dict[str, str]]:
    """Reads lines of a CSV file unchanged; its header is line 1."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [rows[line - 2] for line in lines]


def ask(model: str, rows: Sequence[Mapping[str, str]]) -> list[Answer]:
    """Asks a SavedModel for the species of raw rows of the CSV.

    Args:
        model: The SavedModel's directory.
        rows: The columns by name, as text.
    """
    serve = tf.saved_model.load(model).signatures["serving_default"]
    examples = [_example(row).SerializeToString() for row in rows]
    outputs = serve(examples=tf.constant(examples))
    names, classes, probabilities = (
        outputs[key].numpy().tolist() for key in ("species", "classes", "probabilities")
    )
    return [
        Answer(name.decode(), dict(zip([c.decode() for c in row], values)))
        for name, row, values in zip(names, classes, probabilities)
    ]


def _example(row: Mapping[str, str]) -> tf.train.Example:
    features = {
        name: tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[row[name].encode()])
        )
        for name in FEATURES
    }
    return tf.train.Example(features=tf.train.Features(feature=features))
