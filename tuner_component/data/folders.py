"""Images in a folder for each class, below the splits of an Examples artifact."""

import os
from typing import Any

from tfx.dsl.io import fileio

from tuner_component.data.files import patterns


def image_folder(fn_args: Any, split: str) -> str:
    """Returns the directory of a split, with a folder for each class.

        keras.utils.image_dataset_from_directory(data.image_folder(fn_args, "train"))

    Args:
        fn_args: Of `tuner_fn` or `run_fn`.
        split: `train` or `eval`.

    Raises:
        ValueError: If there are no folders.
    """
    directories = {os.path.dirname(pattern) for pattern in patterns(fn_args, split)}
    folders = [path for path in directories if _has_folders(path)]
    if len(folders) != 1 or len(directories) != 1:
        raise ValueError(
            "Expected one directory with a folder of images for each class. Received: "
            f"{', '.join(sorted(directories))}. Name a directory of images by class in "
            "--train, or read other data with tuner_component.data.dataset."
        )
    return folders[0]


def _has_folders(directory: str) -> bool:
    return fileio.isdir(directory) and any(
        fileio.isdir(os.path.join(directory, name))
        for name in fileio.listdir(directory)
    )
