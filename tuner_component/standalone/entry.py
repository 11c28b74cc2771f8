"""The user's function that makes a tuner, as it gets to all processes of a search."""

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import cloudpickle
from keras_tuner.engine import base_tuner

from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.training import project_guard

_TARGET = f"{__name__}:make"


class Made(NamedTuple):
    """A tuner, and the arguments for its `search`."""

    tuner: Any
    fit_kwargs: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Request:
    """How to make the tuner of a search.

    Attributes:
        make_tuner: The user's function.
        fit_kwargs: What the user gave beside it; None for nothing.
        workdir: Where the tuner keeps its project.
        search: What takes the place of the tuner's own oracle; empty for nothing.
    """

    make_tuner: Callable[[], Any]
    fit_kwargs: Mapping[str, Any] | None
    workdir: str
    search: str = ""

    def make(self) -> Made:
        """Calls the user's function.

        Raises:
            TypeError: If its result is not a tuner, nor an object with a tuner and
                arguments for its `search`; or if there are arguments twice.
        """
        # Whatever the user's tuner was told to overwrite is not this study's.
        with project_guard.shared_project():
            result = self.make_tuner()
        tuner, fit_kwargs = self._taken_apart(result)
        _keep_in(tuner, self.workdir)
        if self.search:
            # Optuna takes 0.3 s to import, which only such a search needs.
            from tuner_component.oracles.replacing import replace_oracle

            fit_kwargs = replace_oracle(tuner, self.search, fit_kwargs)
        return Made(tuner, fit_kwargs)

    def _taken_apart(self, result: Any) -> Made:
        given = dict(self.fit_kwargs or {})
        if isinstance(result, base_tuner.BaseTuner):
            return Made(result, given)
        tuner = getattr(result, "tuner", None)
        fit_kwargs = getattr(result, "fit_kwargs", None)
        if not isinstance(tuner, base_tuner.BaseTuner) or not isinstance(
            fit_kwargs, dict
        ):
            raise TypeError(
                "Expected make_tuner to return a KerasTuner tuner, or an object with the "
                "attributes tuner and fit_kwargs (a dictionary). Received: "
                f"{result!r} of type {type(result).__name__}."
                + (" Is a return statement missing?" if result is None else "")
            )
        if given and fit_kwargs:
            raise TypeError(
                "Expected the arguments of the tuner's search either beside make_tuner or "
                f"in what it returns. Received: both, {sorted(given)} and "
                f"{sorted(fit_kwargs)}. Leave one of them out."
            )
        return Made(tuner, fit_kwargs or given)


def entry_point(request: Request) -> EntryPoint:
    """What each process of a search calls to get its tuner.

    Functions of the main program (a script, a notebook) travel as they are; those of
    other modules are imported in each process.

    Raises:
        TypeError: If something that the function uses cannot be sent to a process.
    """
    try:
        return EntryPoint(_TARGET, cloudpickle.dumps(request), called="make_tuner")
    except Exception as error:
        raise TypeError(
            "Expected make_tuner and fit_kwargs to use only what can be sent to another "
            f"process. Received: {error!r}. Make such things (datasets, models, open "
            "files, locks) within make_tuner, and return TunerFnResult(tuner=..., "
            "fit_kwargs=...) or the like from it."
        ) from error


def make(argument: bytes, role: str) -> Made:
    """Makes the tuner in a process of a search: the entry point.

    Args:
        argument: A pickled `Request`, of the process that started the search.
        role: Of this process. The check works in a directory of its own.
    """
    request: Request = cloudpickle.loads(argument)
    if role == "check":
        request = dataclasses.replace(request, workdir=tempfile.mkdtemp())
    return request.make()


def _keep_in(tuner: base_tuner.BaseTuner, workdir: str) -> None:
    """Gives a tuner its project in the study, whatever directory its user named."""
    made = os.path.join(str(tuner.directory or "."), tuner.project_name)
    tuner.directory = workdir
    tuner.oracle._set_project_dir(workdir, tuner.project_name)
    # KerasTuner makes a tuner's directory at once. If there is something in it, it stays.
    with contextlib.suppress(OSError):
        os.rmdir(made)
