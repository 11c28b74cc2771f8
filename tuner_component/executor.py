"""The Tuner's executor: artifacts in, the best hyperparameters out."""

import functools
import logging
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import standard_component_specs as specs

from tuner_component.identity import study_directory
from tuner_component.identity.parts import fingerprint_parts
from tuner_component.pipeline import (
    fn_args,
    preload,
    prior,
    publish,
    search_log,
    tune_args,
    user_module,
)
from tuner_component.proto import tuner_pb2
from tuner_component.report import loading, tensorboard, terminal
from tuner_component.search.events import Audience
from tuner_component.search.in_process.run import run_in_process
from tuner_component.search.machine import environment
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel import user_code
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study import fingerprint
from tuner_component.search.study.study import Study, StudyState
from tuner_component.search.training import (
    preflight,
    project_guard,
    scratch,
    seeding,
)

_log = logging.getLogger("tuner_component")


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Runs the search that the user's `tuner_fn` describes."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the search and writes both output artifacts, or neither.

        A search that was interrupted continues where it stopped.

        Args:
            input_dict: Input artifacts by the keys of `TunerSpec`.
            output_dict: Output artifacts by the keys of `TunerSpec`.
            exec_properties: Execution properties by the keys of `TunerSpec`.

        Raises:
            ValueError: If the inputs or the properties do not fit.
            UserModuleError: If the user's module or its `tuner_fn` fails.
            PreflightError: If every trial would fail.
            TypeError: If `tuner_fn` returns something else than it should.
            SearchFailedError: If the search ends without a result.
            SearchInterruptedError: If it was stopped; running it again continues it.
            StorageError: If the study cannot be read or written, or a disk is full.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        with search_log.on_stdout():
            self._search(
                fn_args.with_payload_format(input_dict), output_dict, exec_properties
            )

    def _search(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        args = tune_args.from_exec_properties(exec_properties.get(specs.TUNE_ARGS_KEY))
        parts = fingerprint_parts(input_dict, exec_properties, args)
        directory = study_directory.directory(args, self._context, output_dict, parts)
        message = fn_args.from_artifacts(
            input_dict,
            exec_properties,
            working_dir=Study.workdir_of(directory),
            study_id=fingerprint.study_id(parts),
            search=args.search,
        )
        if new := fingerprint.explain_difference(directory, parts):
            _log.info("%s", new)
        _log.info("The study is kept in %s.", directory)
        run = _run_in_workers if args.num_parallel_trials else _run_in_process
        options = tune_args.search_options(args, prior.known(input_dict))
        with environment.without_roles():
            result = run(message, directory, parts, options)
        _log_result(result, directory)
        publish.publish(result, loading.load_study(directory), output_dict)


def _log_result(result: SearchResult, directory: str) -> None:
    if result.found is StudyState.FINISHED:
        _log.info(
            "This search was finished before: no trial was run, its results are "
            "published again. To start a new search, remove %s.",
            directory,
        )
    else:
        _log.info(
            "The search is over%s: %d trials completed, %d failed%s.%s",
            "" if result.complete else " with its time budget",
            len(result.completed),
            len(result.failed),
            ", those of earlier runs included"
            if result.found is StudyState.RESUMED
            else "",
            f" {result.ended_because}" if result.ended_because else "",
        )


def _run_in_process(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    parts: dict[str, str],
    options: SearchOptions,
) -> SearchResult:
    with (
        user_module.installed(message) as local,
        Study.open(
            directory, parts, options.seed, stop_when=options.stop_when
        ) as study,
        scratch.of_search(directory, locked=not study.is_finished),
    ):
        new = study.found is StudyState.NEW
        if preflight.is_wanted(options, new):
            _check(local, study.seed)
        with (
            # A resumed search needs what is there of its trials.
            project_guard.shared_project(may_overwrite=new),
            seeding.seeded_construction(study.seed),
        ):
            tuner_fn = user_module.load_tuner_fn(local)
            made = user_module.call_tuner_fn(tuner_fn, local)
        tuner, fit_kwargs = made.tuner, made.fit_kwargs
        tuner.search_space_summary()
        # No view on the terminal: KerasTuner prints what happens.
        with tensorboard.writing(directory) as writer:
            audience = Audience([writer, publish.NameWatcher()])
            complete = run_in_process(tuner, fit_kwargs, study, options, audience)
        _summarize(tuner)
        return SearchResult.of(tuner.oracle, study, complete)


def _summarize(tuner: Any) -> None:
    """Has a tuner print what it found; that it cannot must not cost what it found."""
    try:
        tuner.results_summary()
    except Exception:  # noqa: BLE001
        _log.exception("Publishing the results without the tuner's own summary:")


def _check(message: tuner_pb2.TunerFnArgs, seed: int) -> None:
    """Checks the search in a process of its own, before the user's code runs in this."""
    entry = EntryPoint(user_module.ENTRY_POINT, message.SerializeToString())
    make = functools.partial(user_code.make_tuner, entry, "check", seed)
    preflight.Check(make, seed).settle()


def _run_in_workers(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    parts: dict[str, str],
    options: SearchOptions,
) -> SearchResult:
    with (
        user_module.installed(message, travels=options.cluster is not None) as local,
        terminal.shown() as view,
        tensorboard.writing(directory) as writer,
    ):
        return launch.run_parallel(
            EntryPoint(user_module.ENTRY_POINT, local.SerializeToString()),
            directory,
            parts,
            options,
            preload.modules(local),
            observer=Audience([view, writer, publish.NameWatcher()]),
            reads=fn_args.files_read(local),
        )
