"""Writes scikit-learn's handwritten digits as the files that a pipeline reads."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

# Trainer and Tuner train on the first and validate on the second. Only the Evaluator uses
# the third: a search also fits the data on which its trials are compared.
SPLITS = {"train": 1078, "eval": 360, "test": 359}

_SEED = 1998


def write(directory: Path) -> Path:
    """Writes a file of tf.Examples for each split, unless they are there.

    An example has the feature `image`, 64 numbers from 0 to 16, row by row, and `digit`.

    Args:
        directory: Where the data go.

    Returns:
        The directory.
    """
    images, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(_SEED).permutation(len(images))
    start = 0
    for split, size in SPLITS.items():
        path = directory / split / "digits.tfrecord"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = path.with_name(".unfinished")
            with tf.io.TFRecordWriter(str(unfinished)) as writer:
                for row in order[start : start + size]:
                    writer.write(_example(images[row], digits[row]))
            os.replace(unfinished, path)
        start += size
    return directory


def read(directory: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Reads a split back.

    Returns:
        Images, [examples, 64], and digits, [examples].
    """
    path = directory / split / "digits.tfrecord"
    examples = [
        tf.train.Example.FromString(record.numpy()).features.feature
        for record in tf.data.TFRecordDataset(str(path))
    ]
    images = [example["image"].float_list.value for example in examples]
    digits = [example["digit"].int64_list.value[0] for example in examples]
    return np.array(images, np.float32), np.array(digits)


def serialized(image: np.ndarray) -> bytes:
    """An example as a client sends it: the image alone."""
    example = tf.train.Example()
    example.features.feature["image"].float_list.value.extend(image)
    return example.SerializeToString()


def _example(image: np.ndarray, digit: int) -> bytes:
    example = tf.train.Example.FromString(serialized(image))
    example.features.feature["digit"].int64_list.value.append(digit)
    return example.SerializeToString()
