"""The Tuner's executor: artifacts in, the best hyperparameters out."""

import functools
import logging
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import standard_component_specs as specs

from tuner_component.arguments import tune_args
from tuner_component.identity import study_directory
from tuner_component.identity.parts import fingerprint_parts
from tuner_component.pipeline import (
    fn_args,
    preload,
    prior,
    publish,
    user_module,
)
from tuner_component.proto import tuner_pb2
from tuner_component.publishing.names import NameWatcher
from tuner_component.publishing.outcome import log_confirmation, log_outcome
from tuner_component.report import loading, search_log, tensorboard, terminal
from tuner_component.search.events import Audience
from tuner_component.search.in_process.search import search_in_process
from tuner_component.search.machine import environment
from tuner_component.search.options import SearchOptions
from tuner_component.search.oracle.result import SearchResult
from tuner_component.search.parallel import user_code
from tuner_component.search.parallel.local import launch
from tuner_component.search.parallel.protocol import EntryPoint
from tuner_component.search.study import fingerprint
from tuner_component.search.study.study import Study

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
        parts = {
            **fingerprint_parts(input_dict, exec_properties),
            **tune_args.fingerprint_parts(args),
        }
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
        study = loading.load_study(directory)
        log_outcome(result, directory)
        log_confirmation(study)
        publish.publish(result, study, output_dict)


def _run_in_process(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    parts: dict[str, str],
    options: SearchOptions,
) -> SearchResult:
    with (
        user_module.installed(message) as local,
        tensorboard.writing(directory) as writer,
    ):
        return search_in_process(
            lambda: user_module.call_tuner_fn(user_module.load_tuner_fn(local), local),
            directory,
            parts,
            options,
            functools.partial(_check, local),
            # No view on the terminal: KerasTuner prints what happens.
            Audience([writer, NameWatcher()]),
        )


def _check(message: tuner_pb2.TunerFnArgs, seed: int) -> None:
    """Checks the search in a process of its own."""
    entry = EntryPoint(user_module.ENTRY_POINT, message.SerializeToString())
    user_code.check(entry, seed)


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
            observer=Audience([view, writer, NameWatcher()]),
            reads=fn_args.files_read(local),
        )
