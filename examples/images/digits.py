"""Handwritten digits of scikit-learn, written as people have images.

Pillow writes them, and not TensorFlow, which would run in this process from then on: a search
in this process could no longer divide its devices.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image
from sklearn import datasets

# Their pictures are of 8 by 8 pixels.
SIZE = 16


def pictures(count: int = 600) -> tuple[Any, Any]:
    """Returns pictures, uint8 of the shape [count, SIZE, SIZE, 1], and their digits."""
    given = datasets.load_digits()
    small = (given.images[:count] * 15).astype(np.uint8)
    return np.kron(small, np.ones((2, 2), np.uint8))[..., None], given.target[:count]


def write_records(directory: Path) -> Path:
    """Writes JPEGs in tf.Examples to a TFRecord file, and returns its path."""
    path = directory / "digits.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as file:
        for picture, digit in zip(*pictures(), strict=True):
            example = tf.train.Example()
            example.features.feature["image"].bytes_list.value.append(_jpeg(picture))
            example.features.feature["digit"].int64_list.value.append(int(digit))
            file.write(example.SerializeToString())
    return path


def write_folder(directory: Path) -> Path:
    """Writes JPEGs to a folder for each digit, and returns the directory of these."""
    root = directory / "digits"
    for number, (picture, digit) in enumerate(zip(*pictures(), strict=True)):
        folder = root / str(digit)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:04}.jpg").write_bytes(_jpeg(picture))
    return root


def _jpeg(picture: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture[..., 0]).save(file, "jpeg", quality=95)
    return file.getvalue()
