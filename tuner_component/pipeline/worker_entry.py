"""What a process of a search calls to get the user's tuner."""

from tfx.components.tuner.component import TunerFnResult

from tuner_component.pipeline import fn_args, user_module
from tuner_component.proto import tuner_pb2

# Names this module for the search, which knows nothing of TFX.
TARGET = f"{__name__}:make_tuner"


def make_tuner(argument: bytes, role: str) -> TunerFnResult:
    """Calls the user's `tuner_fn`, as the executor would in process.

    Args:
        argument: A serialized `TunerFnArgs`.
        role: Of the process that calls; the user's function is the same in all.

    Raises:
        UserModuleError: If the user's module or its `tuner_fn` fails.
        TypeError: If `tuner_fn` returns something else than it should.
    """
    del role
    message = tuner_pb2.TunerFnArgs.FromString(argument)
    tuner_fn = user_module.load_tuner_fn(message)
    return user_module.call_tuner_fn(tuner_fn, fn_args.to_fn_args(message))
