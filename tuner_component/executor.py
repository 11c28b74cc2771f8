"""The Tuner's executor: artifacts in, the best hyperparameters out."""

from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import standard_component_specs as specs

from tuner_component import artifacts, fn_args, tune_args, user_module
from tuner_component.search import in_process


class Executor(base_executor.BaseExecutor):  # type: ignore[misc]
    """Runs the search that the user's `tuner_fn` describes."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Runs the search and writes both output artifacts, or neither.

        Args:
            input_dict: Input artifacts by the keys of `TunerSpec`.
            output_dict: Output artifacts by the keys of `TunerSpec`.
            exec_properties: Execution properties by the keys of `TunerSpec`.

        Raises:
            ValueError: If the inputs or the properties do not fit.
            UserModuleError: If the user's module or its `tuner_fn` fails.
            TypeError: If `tuner_fn` returns something else than it should.
            SearchFailedError: If the search ends without a result.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        args = tune_args.from_exec_properties(exec_properties.get(specs.TUNE_ARGS_KEY))
        if args.num_parallel_trials > 1:
            raise ValueError(
                "Expected tune_args.num_parallel_trials to be 0 or 1. Received: "
                f"{args.num_parallel_trials}. Parallel trials come with version 0.2; "
                "until then leave tune_args out."
            )
        message = fn_args.from_artifacts(
            input_dict, exec_properties, working_dir=self._get_tmp_dir()
        )
        tuner_fn = user_module.load_tuner_fn(exec_properties)
        tuner, fit_kwargs = user_module.call_tuner_fn(
            tuner_fn, fn_args.to_fn_args(message)
        )
        tuner.search_space_summary()
        logging.info("Search started: tuner %s.", tuner.tuner_id)
        in_process.run(tuner, fit_kwargs)
        logging.info("Search finished: tuner %s.", tuner.tuner_id)
        tuner.results_summary()
        artifacts.publish(tuner, output_dict)
