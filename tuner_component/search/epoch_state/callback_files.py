"""The file that Keras' ModelCheckpoint writes while a model is trained.

The user's code reads it once the training is over. If the training goes on in another
process, or after another one that used the same name, the file would not be there, or
would be of another model.
"""

import os
from typing import Any

import keras
import numpy as np

from tuner_component.search.storage import files


def read(callback: Any) -> np.ndarray[Any, Any] | None:
    """What is in the file by now; None if there is none, or one for each epoch.

    Raises:
        StorageError: It cannot be read.
    """
    if (path := _path(callback)) is None:
        return None
    try:
        return np.frombuffer(files.read_bytes(path), np.uint8)
    except FileNotFoundError:
        return None


def put_back(callback: Any, content: np.ndarray[Any, Any] | None) -> None:
    """Writes what `read` returned to where the file is in this process.

    Raises:
        StorageError: It cannot be written.
    """
    path = _path(callback)
    if path is not None and content is not None:
        files.makedirs(os.path.dirname(path))
        files.write_bytes(path, content.tobytes())


def _path(callback: Any) -> str | None:
    if not isinstance(callback, keras.callbacks.ModelCheckpoint):
        return None
    path = str(callback.filepath)
    if "{" in path:
        return None
    return path if files.is_remote(path) else os.path.abspath(path)
