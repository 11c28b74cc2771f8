"""What a script has set for its whole process, in Python and in numeric libraries.

A script that sets a precision, say, and then runs a search expects its models to have it:
in the script's own process they have. So the processes of a search take such settings over.

Of a library that is not imported here nothing can have been set. What belongs to a process,
not to the search, is not taken over: GPUs, threads, seeds; workers have their own.
"""

import contextlib
import dataclasses
import importlib
import locale
import logging
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from tuner_component.search.parallel import warning_filters

_log = logging.getLogger("tuner_component")


@dataclasses.dataclass(frozen=True)
class _Setting:
    """Something that can be set.

    Attributes:
        module: The module that it belongs to.
        default: Its value where nobody has set it; equal ones are not taken over.
        read: Returns its value, a plain one, given the module.
        write: Sets it to a value, given the module.
    """

    module: str
    default: Any
    read: Callable[[ModuleType], Any]
    write: Callable[[ModuleType, Any], None]


def _locale(module: ModuleType) -> str | None:
    """The locale that a script has set; None if there is only what Python itself sets.

    That follows from the environment, and another machine may not have it.
    """
    own = module.LC_NUMERIC, module.LC_TIME, module.LC_COLLATE, module.LC_MONETARY
    if all(module.setlocale(category) == "C" for category in own):
        return None
    return str(module.setlocale(module.LC_ALL))


def _switch(on: str, off: str) -> Callable[[ModuleType, bool], None]:
    """Switches something of Keras' on or off."""
    return lambda keras, value: getattr(keras.config, on if value else off)()


def _of_keras(name: str) -> Callable[[ModuleType], Any]:
    """Reads what Keras keeps for its process; None where that is not set."""

    def read(keras: ModuleType) -> Any:
        from keras.src.backend.common import global_state

        # `keras.config.dtype_policy()` would make the policy what the precision is now.
        return global_state.get_global_attribute(name)

    return read


def _policy_name(keras: ModuleType) -> str | None:
    """The policy that a script has set; None if it is what the precision makes it.

    The first layer makes it that.
    """
    policy = _of_keras("dtype_policy")(keras)
    made = policy is None or policy.name == keras.config.floatx()
    return None if made else str(policy.name)


def _of_tensorflow(name: str) -> Callable[[ModuleType], Any]:
    """Reads an attribute of TensorFlow's context, which must not be initialized for it.

    It would look for GPUs, in a process that needs none.
    """

    def read(tensorflow: ModuleType) -> Any:
        eager = sys.modules.get("tensorflow.python.eager.context")
        return getattr(getattr(eager, "_context", None), name, None)

    return read


def _debugs_data(tensorflow: ModuleType) -> bool:
    debug_mode = sys.modules.get("tensorflow.python.data.ops.debug_mode")
    return bool(getattr(debug_mode, "DEBUG_MODE", False))


def _is_deterministic(tensorflow: ModuleType) -> bool:
    # TensorFlow's own question is no part of what it exports.
    config = sys.modules.get("tensorflow.python.framework.config")
    return bool(getattr(config, "is_op_determinism_enabled", bool)())


_NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}

_SETTINGS = {
    "recursion limit": _Setting(
        "sys",
        1000,
        lambda m: m.getrecursionlimit(),
        lambda m, v: m.setrecursionlimit(v),
    ),
    "locale": _Setting("locale", None, _locale, lambda m, v: m.setlocale(m.LC_ALL, v)),
    "socket timeout": _Setting(
        "socket",
        None,
        lambda m: m.getdefaulttimeout(),
        lambda m, v: m.setdefaulttimeout(v),
    ),
    "logging.disable": _Setting(
        "logging", 0, lambda m: m.root.manager.disable, lambda m, v: m.disable(v)
    ),
    "logging.captureWarnings": _Setting(
        "logging",
        False,
        lambda m: getattr(m, "_warnings_showwarning", None) is not None,
        lambda m, v: m.captureWarnings(v),
    ),
    "warnings": _Setting(
        "warnings",
        (),
        lambda m: warning_filters.capture(),
        lambda m, v: warning_filters.apply(v),
    ),
    "numpy.seterr": _Setting(
        "numpy", _NUMPY, lambda m: m.geterr(), lambda m, v: m.seterr(**v)
    ),
    # The policy is made from the precision, so it comes after it.
    "keras floatx": _Setting(
        "keras",
        "float32",
        lambda m: m.config.floatx(),
        lambda m, v: m.config.set_floatx(v),
    ),
    "keras dtype policy": _Setting(
        "keras", None, _policy_name, lambda m, v: m.config.set_dtype_policy(v)
    ),
    "keras epsilon": _Setting(
        "keras",
        1e-7,
        lambda m: m.config.epsilon(),
        lambda m, v: m.config.set_epsilon(v),
    ),
    "keras image data format": _Setting(
        "keras",
        "channels_last",
        lambda m: m.config.image_data_format(),
        lambda m, v: m.config.set_image_data_format(v),
    ),
    "keras interactive logging": _Setting(
        "keras",
        None,
        _of_keras("interactive_logging"),
        _switch("enable_interactive_logging", "disable_interactive_logging"),
    ),
    "keras traceback filtering": _Setting(
        "keras",
        None,
        _of_keras("traceback_filtering"),
        _switch("enable_traceback_filtering", "disable_traceback_filtering"),
    ),
    "keras unsafe deserialization": _Setting(
        "keras",
        None,
        lambda m: _of_keras("safe_mode_saving")(m) is False or None,
        lambda m, v: m.config.enable_unsafe_deserialization(),
    ),
    "tf.config.run_functions_eagerly": _Setting(
        "tensorflow",
        False,
        lambda m: m.config.functions_run_eagerly(),
        lambda m, v: m.config.run_functions_eagerly(v),
    ),
    "tf.config.set_soft_device_placement": _Setting(
        "tensorflow",
        None,
        _of_tensorflow("_soft_device_placement"),
        lambda m, v: m.config.set_soft_device_placement(v),
    ),
    "tf.config.optimizer.set_jit": _Setting(
        "tensorflow",
        None,
        _of_tensorflow("_optimizer_jit"),
        lambda m, v: m.config.optimizer.set_jit(v),
    ),
    "tf.config.optimizer.set_experimental_options": _Setting(
        "tensorflow",
        {},
        lambda m: dict(_of_tensorflow("_optimizer_experimental_options")(m) or {}),
        lambda m, v: m.config.optimizer.set_experimental_options(v),
    ),
    "tf.config.experimental.enable_tensor_float_32_execution": _Setting(
        "tensorflow",
        True,
        lambda m: m.config.experimental.tensor_float_32_execution_enabled(),
        lambda m, v: m.config.experimental.enable_tensor_float_32_execution(v),
    ),
    "tf.config.experimental.enable_op_determinism": _Setting(
        "tensorflow",
        False,
        _is_deterministic,
        lambda m, v: m.config.experimental.enable_op_determinism(),
    ),
    "tf.data.experimental.enable_debug_mode": _Setting(
        "tensorflow",
        False,
        _debugs_data,
        lambda m, v: m.data.experimental.enable_debug_mode(),
    ),
}
for _name in ("max_epochs", "max_steps_per_epoch"):
    _SETTINGS[f"keras {_name}"] = _Setting(
        "keras",
        None,
        # Not every release has them.
        lambda m, name=_name: getattr(m.config, name, lambda: None)(),  # type: ignore[misc]
        lambda m, v, name=_name: getattr(m.config, f"set_{name}")(v),  # type: ignore[misc]
    )


def capture() -> dict[str, Any]:
    """What is set in this process and not the default, by what it is."""
    found = {}
    for name, setting in _SETTINGS.items():
        module = sys.modules.get(setting.module)
        if module is None:
            continue
        # Another release may lack it, and a library be half imported, or a stand-in.
        with contextlib.suppress(AttributeError, ImportError, locale.Error):
            if (value := setting.read(module)) != setting.default:
                found[name] = value
    return found


def apply(found: Mapping[str, Any]) -> None:
    """Sets in this process what was captured in another one.

    What cannot be set here is told in the log: the models may be made without it.
    """
    for name, value in found.items():
        setting = _SETTINGS[name]
        try:
            module = importlib.import_module(setting.module)
            if setting.read(module) != value:
                setting.write(module, value)
        except Exception as error:  # noqa: BLE001 - of a library, about this machine
            _log.warning("%s cannot be set to %r here: %r", name, value, error)
