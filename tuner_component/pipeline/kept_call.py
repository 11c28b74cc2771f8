"""How a search called `tuner_fn`, kept in its study: the model can be built later.

It names the user's module and the data, and holds neither.
"""

import logging
from typing import Any

from google.protobuf import json_format

from tuner_component.documents import decoding
from tuner_component.documents.decoding import DecodingError
from tuner_component.proto import tuner_pb2
from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files
from tuner_component.search.study.study import Study

CALL_FILE = "tuner_fn.json"

_log = logging.getLogger("tuner_component")


def keep(message: tuner_pb2.TunerFnArgs, directory: str) -> None:
    """Writes down how `tuner_fn` is called, unless it says so already.

    Args:
        message: What `tuner_fn` gets, as it was before anything was installed.
        directory: Path or URI of the study; made if it is not there yet.
    """
    path = files.join(directory, CALL_FILE)
    data = json_format.MessageToJson(message, sort_keys=True).encode()
    try:
        if _read(path) != data:
            files.makedirs(directory)
            files.write_bytes(path, data)
    except StorageError as error:
        # What is finished may be where nothing can be written.
        _log.warning(
            "`tuner-component best --model` will not work with %s. %s", directory, error
        )


def kept(directory: str) -> tuner_pb2.TunerFnArgs:
    """How `tuner_fn` was called, with the study where it is now.

    Args:
        directory: Path or URI of the study.

    Raises:
        FileNotFoundError: If it does not say.
        ValueError: If what it says is damaged.
        StorageError: If it cannot be read.
    """
    path = files.join(directory, CALL_FILE)
    data = _read(path)
    if data is None:
        raise FileNotFoundError(
            f"Expected a search of a module with tuner_fn, whose call is in {path}. "
            "Received: no such file. If it was a search of tuner_component.tune, call "
            "that once more: tune(...).best_model(). If not, run the same pipeline, or "
            "`tuner-component tune`, once more with this release. A finished search ends "
            "at once."
        )
    try:
        content = decoding.decode(data, dict[str, Any])
        message = json_format.ParseDict(content, tuner_pb2.TunerFnArgs())
    except (DecodingError, json_format.ParseError) as error:
        raise ValueError(
            f"Expected {path} to say how tuner_fn was called. Received: {error}. Remove "
            "it, and run the same search once more: a finished one ends at once."
        ) from error
    message.working_dir = Study.workdir_of(directory)
    message.best_model = False
    return message


def _read(path: str) -> bytes | None:
    try:
        return files.read_bytes(path)
    except FileNotFoundError:
        return None
