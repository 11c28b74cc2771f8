"""The user's module: importing it, and calling its `tuner_fn`, with clear errors."""

import contextlib
import glob
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from keras_tuner.engine import base_tuner
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult
from tfx.components.util import udf_utils
from tfx.types import standard_component_specs as specs
from tfx.utils import io_utils

from tuner_component.pipeline import fn_args, module_flags
from tuner_component.proto import tuner_pb2
from tuner_component.publishing import best_model
from tuner_component.search.training import scratch

_TUNER_FN = specs.TUNER_FN_KEY
_SOURCES = (specs.MODULE_PATH_KEY, specs.MODULE_FILE_KEY, _TUNER_FN)
_TUNER_FN_SHAPE = "def tuner_fn(fn_args: FnArgs) -> TunerFnResult"

# What a process of a search calls; the search itself knows nothing of TFX.
ENTRY_POINT = f"{__name__}:make_tuner"


class UserModuleError(RuntimeError):
    """The user's module does not import, has no tuner_fn, or tuner_fn failed.

    The message ends with the traceback of the user's code where there is one.
    """


class ModuleLoadError(UserModuleError):
    """There is no tuner_fn to call: no trial can have been run."""


def load_tuner_fn(message: tuner_pb2.TunerFnArgs) -> Callable[[FnArgs], Any]:
    """Imports the user's module and returns its `tuner_fn`.

    Args:
        message: Names the module in `module_path`, `module_file` or `tuner_fn`.

    Raises:
        ModuleLoadError: If the module does not import, or has no such function, or does
            not take the flags of the command line.
        ValueError: If no module is named.
    """
    source = _source(message)
    names = {key: getattr(message, key) for key in _SOURCES}
    try:
        tuner_fn = udf_utils.get_fn(names, _TUNER_FN)
    except (Exception, SystemExit) as error:
        if _is_missing_function(error):
            raise ModuleLoadError(
                f"Expected {source} to define {_TUNER_FN_SHAPE}. Received: a module "
                f"without it ({error}). Define it at the module's top level."
            ) from None
        raise ModuleLoadError(
            f"Expected {source} to import without errors. Received: "
            f"{_root_cause(error)!r}. Its traceback:\n{_user_traceback(error)}"
        ) from error
    if not callable(tuner_fn):
        raise ModuleLoadError(
            f"Expected tuner_fn in {source} to be a function. Received: {tuner_fn!r} "
            f"of type {type(tuner_fn).__name__}. Define {_TUNER_FN_SHAPE}."
        )
    if message.argv:
        try:
            module_flags.parse(message.argv, tuner_fn.__module__)
        except ValueError as error:
            raise ModuleLoadError(str(error)) from error
    return tuner_fn  # type: ignore[no-any-return]


@contextlib.contextmanager
def installed(
    message: tuner_pb2.TunerFnArgs, travels: bool = False
) -> Iterator[tuner_pb2.TunerFnArgs]:
    """Installs a packaged module once, for all processes that start in the context.

    TFX would install the wheel again in each process. Here it is on `sys.path`, which
    they inherit, until the context ends.

    Args:
        message: Names the module, `name@wheel` if it is packaged.
        travels: Whether processes on other machines need it, too: they get what is on
            `sys.path`, but do not see a module file of this machine.

    Yields:
        A message that names what can be imported.
    """
    local = tuner_pb2.TunerFnArgs()
    local.CopyFrom(message)
    name, dependencies = udf_utils.decode_user_module_key(message.module_path)
    if dependencies:
        local.module_path = name
        with udf_utils.TempPipInstallContext(
            [io_utils.ensure_local(wheel) for wheel in dependencies]
        ):
            yield local
    elif travels and os.path.isfile(message.module_file):
        with _on_path(message.module_file) as local.module_path:
            local.module_file = ""
            yield local
    else:
        yield message


@contextlib.contextmanager
def _on_path(module_file: str) -> Iterator[str]:
    """Puts a module, and those beside it, on `sys.path`; yields its name.

    They are copied, as TFX does when it packages a module: data beside them stays.
    """
    source, file_name = os.path.split(module_file)
    with tempfile.TemporaryDirectory(prefix="tuner_component_") as directory:
        for path in glob.glob(os.path.join(glob.escape(source), "*.py")):
            shutil.copy(path, directory)
        sys.path.insert(0, directory)
        try:
            yield os.path.splitext(file_name)[0]
        finally:
            sys.path.remove(directory)


def call_tuner_fn(
    tuner_fn: Callable[[FnArgs], Any],
    message: tuner_pb2.TunerFnArgs,
    study_workdir: str | None = None,
) -> TunerFnResult:
    """Calls `tuner_fn` and checks what it returns.

    Args:
        tuner_fn: The user's function.
        message: What it gets, as `FnArgs`, but for the working directory: that is a
            new one for each call, and only the tuner's project is in the message's.
        study_workdir: What all processes of the search share; by default the message's
            working directory.

    Raises:
        UserModuleError: If it raises.
        TypeError: If its result is not a TunerFnResult of a KerasTuner tuner and a
            dictionary; or a model is wanted, and the tuner can never give one.
        ImportError: If a package is missing that the search needs which `message` names.
    """
    local = tuner_pb2.TunerFnArgs()
    local.CopyFrom(message)
    local.working_dir = scratch.new(message.working_dir)
    given = fn_args.to_fn_args(local)
    given.study_workdir = study_workdir or message.working_dir
    try:
        result = tuner_fn(given)
    except (Exception, SystemExit) as error:  # sys.exit(0) would pass for a success.
        raise UserModuleError(
            f"Expected tuner_fn to return a TunerFnResult. Received: {error!r}. Its "
            f"traceback:\n{_user_traceback(error)}"
        ) from error
    if not (hasattr(result, "tuner") and hasattr(result, "fit_kwargs")):
        raise TypeError(
            "Expected tuner_fn to return a TunerFnResult(tuner=..., fit_kwargs=...). "
            f"Received: {result!r} of type {type(result).__name__}."
            + (" Is a return statement missing?" if result is None else "")
        )
    if not isinstance(result.tuner, base_tuner.BaseTuner):
        raise TypeError(
            "Expected TunerFnResult.tuner to be a keras_tuner BaseTuner. Received: "
            f"{result.tuner!r} of type {type(result.tuner).__name__}. Return an "
            "instance such as keras_tuner.RandomSearch(...)."
        )
    if not isinstance(result.fit_kwargs, Mapping):
        raise TypeError(
            "Expected TunerFnResult.fit_kwargs to be a dictionary of arguments for "
            f"tuner.search. Received: {result.fit_kwargs!r} of type "
            f"{type(result.fit_kwargs).__name__}. Write fit_kwargs={{'x': ...}}."
        )
    if message.best_model and (why := best_model.obstacle(result.tuner)):
        raise TypeError(
            "Expected a tuner of Keras models, since the output best_model is wanted. "
            f"Received: {why}. Leave best_model=True out, and train a model with the best "
            "hyperparameters."
        )
    scratch.keep_project(result.tuner, local.working_dir, message.working_dir)
    fit_kwargs = dict(result.fit_kwargs)  # TFX takes any mapping.
    if message.search:
        # Optuna takes 0.3 s to import, which only such a search needs.
        from tuner_component.oracles.replacing import replace_oracle

        fit_kwargs = replace_oracle(result.tuner, message.search, fit_kwargs)
    return TunerFnResult(result.tuner, fit_kwargs)


def make_tuner(argument: bytes, role: str) -> TunerFnResult:
    """Calls the user's `tuner_fn` in a process of a search: the entry point.

    Args:
        argument: A serialized `TunerFnArgs`.
        role: Of the process that calls; the user's function is the same in all. That
            of the check works in a directory of its own: it leaves nothing behind that
            a trial would find.

    Raises:
        UserModuleError: If the user's module or its `tuner_fn` fails.
        TypeError: If `tuner_fn` returns something else than it should.
    """
    message = tuner_pb2.TunerFnArgs.FromString(argument)
    shared = message.working_dir
    if role == "check":
        message.working_dir = tempfile.mkdtemp()
    return call_tuner_fn(load_tuner_fn(message), message, shared)


def _source(message: tuner_pb2.TunerFnArgs) -> str:
    for key in _SOURCES:
        if name := getattr(message, key):
            return f"{key} {name!r}"
    raise ValueError(
        "Expected exactly one of 'module_file' and 'tuner_fn' in the execution "
        "properties. Received: neither. Pass one of them to the Tuner."
    )


def _is_missing_function(error: BaseException) -> bool:
    """Whether the module imported, but the function is not in it.

    An AttributeError that the module itself raised passes through its frames.
    """
    return isinstance(error, AttributeError) and _user_frame_index(error) is None


def _root_cause(error: BaseException) -> BaseException:
    """The error of the user's code beneath those that TFX wraps around it."""
    while True:
        inner = error.__cause__ or (
            None if error.__suppress_context__ else error.__context__
        )
        if inner is None:
            return error
        error = inner


def _user_frame_index(error: BaseException) -> int | None:
    """Which frame of the traceback is the user's first: after TFX and importlib."""
    frames = traceback.extract_tb(error.__traceback__)
    for index, frame in enumerate(frames):
        name = frame.filename.replace("\\", "/")
        if not (
            name == __file__
            or name.startswith("<frozen importlib")
            or "/tfx/components/util/" in name
            or "/tfx/utils/" in name
            or "/importlib/" in name
        ):
            return index
    return None


def _user_traceback(error: BaseException) -> str:
    """Formats the root cause, from the user's first frame on."""
    root = _root_cause(error)
    start = _user_frame_index(root)
    # A SyntaxError has no frame of the user's: it names the line itself.
    tb = None if start is None else root.__traceback__
    for _ in range(start or 0):
        tb = tb.tb_next if tb else None
    return "".join(traceback.format_exception(type(root), root, tb)).rstrip()
