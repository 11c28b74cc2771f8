"""`tune`: a search from a script or a notebook."""

import contextlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner_component.arguments import tune_args as tune_args_lib
from tuner_component.arguments import wording
from tuner_component.export import tracking
from tuner_component.proto import tuner_pb2
from tuner_component.publishing import files as published
from tuner_component.publishing.names import NameWatcher
from tuner_component.publishing.outcome import log_confirmation, log_outcome
from tuner_component.report import search_log, tensorboard, terminal
from tuner_component.report.loading import load_study
from tuner_component.report.record import StudyRecord
from tuner_component.search.errors import SearchInterruptedError
from tuner_component.search.events import Audience
from tuner_component.search.in_process.search import search_in_process
from tuner_component.search.machine import environment
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel import user_code
from tuner_component.search.parallel.local import launch
from tuner_component.search.spelling import did_you_mean
from tuner_component.search.storage import files
from tuner_component.search.study import fingerprint
from tuner_component.search.study.study import Study
from tuner_component.standalone import entry as entry_lib
from tuner_component.standalone.code_parts import CodeParts
from tuner_component.standalone.result import TuneResult

_log = logging.getLogger("tuner_component")

# What all workers need, whatever the user's code imports.
_PRELOAD = ("keras_tuner", entry_lib.__name__)


def tune(
    make_tuner: Callable[[], Any],
    fit_kwargs: Mapping[str, Any] | None = None,
    *,
    directory: str | os.PathLike[str],
    **tune_args: Any,
) -> TuneResult:
    """Runs a search, or goes on with it, and returns what it found.

    The search is kept in `directory`. If it is stopped, the same call goes on with it; if
    it is finished, the same call returns what it found. A change of `make_tuner`, of the
    functions, modules and arrays that it uses, or of `fit_kwargs`, starts a new search
    beside it. A tuner's own `directory` and `overwrite` have no effect.

        def make_tuner():
            return keras_tuner.RandomSearch(build_model, "val_loss", max_trials=20)

        result = tune(
            make_tuner,
            {"x": x, "y": y, "validation_split": 0.2, "epochs": 10},
            directory="search",
            num_parallel_trials=2,
        )
        model = result.best_model()

    Args:
        make_tuner: Returns a KerasTuner tuner; or what `tuner_fn` of a pipeline returns,
            an object with the attributes `tuner` and `fit_kwargs`. With workers it is
            called in each of them. It may be defined in a notebook or a script.
        fit_kwargs: The arguments of the tuner's `search`, if it returns only the tuner.
            Datasets that cannot be pickled are made within `make_tuner`.
        directory: Path or URI of the directory for all that the search writes.
        **tune_args: How to run the search: the fields of `TuneArgs`, such as
            `num_parallel_trials`, `search`, `stopping` and `seed`. Without
            `num_parallel_trials` trials run one by one in this process.

    Raises:
        TypeError: If `make_tuner` is no function or returns something else, or an
            argument has a wrong name or type.
        ValueError: If an argument is out of its range.
        SearchFailedError: If the search ends without a result.
        SearchInterruptedError: If it was stopped; the same call goes on with it.
        StorageError: If the directory cannot be read or written, or a disk is full.
    """
    _check_callable(make_tuner)
    args = _tune_args(tune_args)
    options = tune_args_lib.search_options(args)
    root = _absolute(os.fspath(directory))
    code = CodeParts()
    code.add("make_tuner", make_tuner)
    code.add("fit_kwargs", dict(fit_kwargs or {}))
    parts = {**code.parts, **tune_args_lib.fingerprint_parts(args)}
    studies = args.study_dir or files.join(root, "studies")
    study_directory = files.join(studies, fingerprint.study_id(parts))
    request = entry_lib.Request(
        make_tuner, fit_kwargs, Study.workdir_of(study_directory), args.search
    )
    with _shown_log(), environment.without_roles():
        if new := fingerprint.explain_difference(study_directory, parts):
            _log.info("%s", new)
        _log.info("The study is kept in %s.", study_directory)
        if args.num_parallel_trials:
            preload = (*_PRELOAD, *sorted(code.libraries))
            try:
                result = _in_workers(
                    request, study_directory, parts, options, preload, args.trackers
                )
            except SearchInterruptedError as error:
                # Where in here it was stopped is of no use to who stopped it.
                raise error.with_traceback(None) from None
        else:
            result = _in_process(
                request, study_directory, parts, options, args.trackers
            )
        study = load_study(study_directory)
        log_outcome(result, study_directory)
        log_confirmation(study)
        _publish(result, study, root, study_directory)
    return TuneResult(study, root, result, request.make)


def _check_callable(make_tuner: Any) -> None:
    if not callable(make_tuner):
        raise TypeError(
            "Expected make_tuner to be a function that returns a KerasTuner tuner. "
            f"Received: an object of type {type(make_tuner).__name__}. Give the function "
            "itself, without parentheses: each worker calls it to make a tuner of its own."
        )


def _tune_args(given: Mapping[str, Any]) -> tuner_pb2.TuneArgs:
    fields = [field.name for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields]
    if unknown := sorted(set(given) - set(fields)):
        meant = "".join(did_you_mean(name, fields) for name in unknown)
        raise TypeError(
            f"Expected the arguments of tune to be among directory, {', '.join(fields)}. "
            f"Received: {', '.join(unknown)}.{meant} See help(tuner_component.tune)."
        )
    named = {name: value for name, value in given.items() if value is not None}
    try:
        args = tuner_pb2.TuneArgs(**named)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Expected the arguments of tune to be of their types. Received: {named} "
            f"({error}). See help(tuner_component.tune)."
        ) from error
    with wording.named_by(wording.keyword):
        return tune_args_lib.validated(args)


def _in_workers(
    request: entry_lib.Request,
    directory: str,
    parts: Mapping[str, str],
    options: SearchOptions,
    preload: tuple[str, ...],
    trackers: Sequence[str],
) -> SearchResult:
    with (
        terminal.shown() as view,
        tensorboard.writing(directory) as writer,
        tracking.watching(trackers, directory) as others,
    ):
        return launch.run_parallel(
            entry_lib.entry_point(request),
            directory,
            parts,
            options,
            preload,
            observer=Audience([view, writer, *others, NameWatcher()]),
        )


def _in_process(
    request: entry_lib.Request,
    directory: str,
    parts: Mapping[str, str],
    options: SearchOptions,
    trackers: Sequence[str],
) -> SearchResult:
    def check(seed: int) -> None:
        try:
            entry = entry_lib.entry_point(request)
        except TypeError as error:  # This process needs no copy.
            _log.info("No check before the first trial: %s", error)
        else:
            user_code.check(entry, seed)

    with (
        tensorboard.writing(directory) as writer,
        tracking.watching(trackers, directory) as others,
    ):
        # No view on the terminal: KerasTuner prints what happens.
        audience = Audience([writer, *others, NameWatcher()])
        return search_in_process(
            request.make, directory, parts, options, check, audience
        )


def _publish(
    result: SearchResult, study: StudyRecord, root: str, study_directory: str
) -> None:
    best, results = (files.join(root, n) for n in ("best_hyperparameters", "results"))
    published.write_numbers(result, study, best, results)
    published.draw_report(study, results, study_directory)


def _absolute(directory: str) -> str:
    return directory if files.is_remote(directory) else os.path.abspath(directory)


def _shown_log() -> contextlib.AbstractContextManager[None]:
    """Prints what this package logs, unless the user has set up logging for it."""
    root = logging.getLogger()
    if root.handlers and root.level not in (logging.NOTSET, logging.WARNING):
        return contextlib.nullcontext()
    return search_log.on_stdout(logging.Formatter("%(message)s"), logging.INFO)
