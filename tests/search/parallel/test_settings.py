"""What a script has set for its whole process."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.taking_over import both
from tuner_component.search.parallel import settings

PYTHON = """
import locale, logging, socket, sys, warnings
import numpy as np
sys.setrecursionlimit(4321)
locale.setlocale(locale.LC_ALL, "C.UTF-8")
socket.setdefaulttimeout(77.0)
logging.disable(logging.DEBUG)
logging.captureWarnings(True)
np.seterr(divide="raise")
"""
LOOK_AT_PYTHON = """
import locale, logging, socket, sys
import numpy as np
print(sys.getrecursionlimit(), locale.setlocale(locale.LC_ALL), socket.getdefaulttimeout())
print(logging.root.manager.disable, logging._warnings_showwarning is not None)
print(np.geterr()["divide"], np.geterr()["over"])
"""


def test_those_of_python_and_numpy(tmp_path: Path) -> None:
    """A model that is built by recursion, say, would be built in the script alone."""
    printed = both(tmp_path, PYTHON, LOOK_AT_PYTHON)
    assert printed.split() == ["4321", "C.UTF-8", "77.0", "10", "True", "raise", "warn"]


KERAS = """
import keras
keras.config.set_floatx("float64")
keras.config.set_dtype_policy("mixed_bfloat16")
keras.config.set_epsilon(1e-5)
keras.config.set_image_data_format("channels_first")
keras.config.disable_interactive_logging()
keras.config.disable_traceback_filtering()
keras.config.enable_unsafe_deserialization()
if hasattr(keras.config, "set_max_epochs"):
    keras.config.set_max_epochs(3)
import tensorflow as tf
tf.config.run_functions_eagerly(True)
tf.config.set_soft_device_placement(False)
tf.config.optimizer.set_jit(True)
tf.config.optimizer.set_experimental_options({"constant_folding": False})
tf.config.experimental.enable_tensor_float_32_execution(False)
tf.config.experimental.enable_op_determinism()
tf.data.experimental.enable_debug_mode()
"""
LOOK_AT_KERAS = """
import keras
import tensorflow as tf
from keras.src.saving import serialization_lib
from tensorflow.python.data.ops import debug_mode
from tensorflow.python.framework import config as framework
from tuner_component.search.machine import forked
print("running", forked.running_framework())
config, experimental = tf.config, tf.config.experimental
print([
    keras.config.floatx(), keras.layers.Dense(1).dtype_policy.name,
    keras.config.epsilon(), keras.config.image_data_format(),
    keras.config.is_interactive_logging_enabled(),
    keras.config.is_traceback_filtering_enabled(), serialization_lib.in_safe_mode(),
    getattr(keras.config, "max_epochs", lambda: 3)(),
    config.functions_run_eagerly(), config.get_soft_device_placement(),
    config.optimizer.get_jit(), config.optimizer.get_experimental_options()["constant_folding"],
    experimental.tensor_float_32_execution_enabled(),
    framework.is_op_determinism_enabled(), debug_mode.DEBUG_MODE,
])
"""


@pytest.mark.slow
def test_those_of_keras_and_tensorflow(tmp_path: Path) -> None:
    """Models would have another precision than in the script's own process.

    Nor may TensorFlow run by then: the process could not be forked for the check.
    """
    printed = both(tmp_path, KERAS, LOOK_AT_KERAS)
    lines = printed.splitlines()
    running, found = (line for line in lines if line.startswith(("running", "[")))
    assert running == "running None"
    assert found == str(
        [
            *("float64", "mixed_bfloat16", 1e-05, "channels_first"),
            *(False, False, False, 3),
            *(True, False, "autoclustering", False),
            *(False, True, True),
        ]
    )


def test_what_is_not_set_is_not_taken_over() -> None:
    """A process would import libraries that it does not need."""
    import keras

    keras.layers.Dense(1)  # Makes the policy what the precision is.
    found = settings.capture()
    assert not {name for name in found if name.startswith(("keras", "tf"))}
    assert "locale" not in found  # A node need not have that of this machine.


def test_what_cannot_be_set_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A node without that locale would run no trial at all, or one with another."""
    limit = sys.getrecursionlimit()
    told: dict[str, Any] = {"locale": "xx_XX.UTF-9", "recursion limit": limit + 1}
    try:
        settings.apply(told)
        assert sys.getrecursionlimit() == limit + 1
    finally:
        sys.setrecursionlimit(limit)
    assert "locale cannot be set to 'xx_XX.UTF-9' here" in caplog.text
