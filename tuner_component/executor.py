"""The Tuner's executor: artifacts in, the best hyperparameters out."""

import functools
import logging
from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import standard_component_specs as specs

from tuner_component.arguments import tune_args
from tuner_component.export import tracking
from tuner_component.identity import cloud_keys, study_directory
from tuner_component.identity.parts import fingerprint_parts
from tuner_component.pipeline import (
    abandoning,
    best_model,
    fn_args,
    kept_call,
    preload,
    prior,
    publish,
    user_module,
)
from tuner_component.proto import tuner_pb2
from tuner_component.publishing.names import NameWatcher
from tuner_component.publishing.outcome import log_confirmation, log_outcome
from tuner_component.report import loading, search_log, tensorboard, terminal
from tuner_component.search.errors import StudyMismatchError
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
    """Runs the search that the user's `tuner_fn` describes.

    Attributes:
        only_study: The id of the only study that it may go on with; None for any.
    """

    only_study: str | None = None

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the search and writes both output artifacts, or neither.

        The third one, if it is wanted, is the model of the best trial. It comes last.

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
            NoModelError: If the model of the best trial is wanted, and there is none. All
                else is written.
            SearchInterruptedError: If it was stopped; running it again continues it.
            StorageError: If the study cannot be read or written, or a disk is full.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        with search_log.on_stdout():
            self._search(
                fn_args.with_payload_format(input_dict), output_dict, exec_properties
            )

    def _say_that_no_job_starts(self, exec_properties: dict[str, Any]) -> None:
        """Warns those who describe a job, and would wait for it in vain."""
        config = fn_args.custom_config(exec_properties)
        found = [key for key in cloud_keys.OF_JOBS if key in (config or {})]
        if found:
            _log.warning(
                "custom_config describes a job of Google's cloud (%s), but this Tuner "
                "starts none: the search runs here. "
                "tuner_component.extensions.google_cloud_ai_platform.Tuner starts one.",
                ", ".join(found),
            )

    def _search(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        args = tune_args.from_exec_properties(exec_properties.get(specs.TUNE_ARGS_KEY))
        self._say_that_no_job_starts(exec_properties)
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
            best_model=best_model.wanted(output_dict),
        )
        if self.only_study not in (None, message.study_id):
            raise StudyMismatchError(
                f"Expected the search of the study {self.only_study}. Received: another "
                f"one, {message.study_id}: the module, the data or an argument has "
                "changed, and a study goes on with what it was started with. Undo the "
                "change, or run `tuner-component tune` for a new search."
            )
        if new := fingerprint.explain_difference(directory, parts):
            _log.info("%s", new)
        _log.info("The study is kept in %s.", directory)
        run = _run_in_workers if args.num_parallel_trials else _run_in_process
        options = tune_args.search_options(args, prior.known(input_dict))
        with environment.without_roles(), abandoning.unless_module_loads(directory):
            kept_call.keep(message, directory)
            result = run(message, directory, parts, options, args.trackers)
        study = loading.load_study(directory)
        log_outcome(result, directory)
        log_confirmation(study)
        publish.publish(result, study, output_dict, directory)
        if best_model.wanted(output_dict):
            best_model.publish_model(message, directory, result, study, output_dict)


def _run_in_process(
    message: tuner_pb2.TunerFnArgs,
    directory: str,
    parts: dict[str, str],
    options: SearchOptions,
    trackers: Sequence[str],
) -> SearchResult:
    with (
        user_module.installed(message) as local,
        tensorboard.writing(directory) as writer,
        tracking.watching(trackers, directory) as others,
    ):
        return search_in_process(
            lambda: user_module.call_tuner_fn(user_module.load_tuner_fn(local), local),
            directory,
            parts,
            options,
            functools.partial(_check, local),
            # No view on the terminal: KerasTuner prints what happens.
            Audience([writer, *others, NameWatcher()]),
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
    trackers: Sequence[str],
) -> SearchResult:
    with (
        user_module.installed(message, travels=options.cluster is not None) as local,
        terminal.shown() as view,
        tensorboard.writing(directory) as writer,
        tracking.watching(trackers, directory) as others,
    ):
        return launch.run_parallel(
            EntryPoint(user_module.ENTRY_POINT, local.SerializeToString()),
            directory,
            parts,
            options,
            preload.modules(local),
            observer=Audience([view, writer, *others, NameWatcher()]),
            reads=fn_args.files_read(local),
        )
