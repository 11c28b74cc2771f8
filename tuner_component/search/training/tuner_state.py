"""Where a tuner's own state goes, as opposed to its oracle's."""

import json
import logging

from keras_tuner.engine import base_tuner

from tuner_component.search.errors import StorageError
from tuner_component.search.storage import files

_log = logging.getLogger(__name__)


def keep_in(tuner: base_tuner.BaseTuner, path: str) -> None:
    """Makes a tuner save its state in a file of the study, and restores it from there.

    Where KerasTuner would put that file, the next tuner's constructor would find it and
    go looking for the oracle's state beside it, which is in the journal.

    Args:
        tuner: Fresh from its constructor.
        path: File in the study's directory; read if it is there.
    """
    tuner._get_tuner_fname = lambda: path
    try:
        state = json.loads(files.read_bytes(path))
    except FileNotFoundError:
        return
    except (StorageError, ValueError) as error:
        _log.warning("Starting without the tuner's own state: %s: %s", path, error)
        return
    tuner.set_state(state)
