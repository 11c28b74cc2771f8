"""Tuners whose `run_trial` runs a whole workflow; what it returns is a flag.

    tuner-component tune examples/end_to_end/module.py --train wine.parquet --out OUT \
        -- --returns=history
"""

from __future__ import annotations

import math
from typing import Any

import keras_tuner
from tfx.components.trainer.fn_args_utils import FnArgs

from examples.end_to_end import workflow
from tuner_component import TunerFnResult, data

COLUMNS = ("alcohol", "malic_acid", "ash", "magnesium", "flavanoids", "hue", "proline")


class ReturnsNumber(keras_tuner.RandomSearch):
    """Its `run_trial` returns what is to be minimized."""

    def run_trial(self, trial: Any, flow: workflow.Workflow) -> float:
        """Runs the workflow."""
        return min(flow.run(trial.hyperparameters).history["val_loss"])


class ReturnsDictionary(keras_tuner.RandomSearch):
    """Its `run_trial` returns several metrics, the objective among them."""

    def run_trial(self, trial: Any, flow: workflow.Workflow) -> dict[str, float]:
        """Runs the workflow."""
        history = flow.run(trial.hyperparameters).history
        losses = history["val_loss"]
        best = losses.index(min(losses))
        return {"val_loss": losses[best], "val_accuracy": history["val_accuracy"][best]}


class ReturnsHistory(keras_tuner.RandomSearch):
    """Its `run_trial` returns what `fit` returned."""

    def run_trial(self, trial: Any, flow: workflow.Workflow) -> Any:
        """Runs the workflow."""
        return flow.run(trial.hyperparameters)


class ReturnsList(keras_tuner.RandomSearch):
    """Its `run_trial` returns the results of several runs, whose mean counts."""

    def run_trial(self, trial: Any, flow: workflow.Workflow) -> list[Any]:
        """Runs the workflow twice, with other seeds."""
        return [flow.run(trial.hyperparameters, seed) for seed in (1, 2)]


class BlackBox(keras_tuner.BayesianOptimization):
    """There is no model: `run_trial` asks a function, here one of Branin's."""

    def run_trial(self, trial: Any, **_: Any) -> float:
        """Asks the function."""
        hp = trial.hyperparameters
        x, y = hp.Float("x", -5.0, 10.0), hp.Float("y", 0.0, 15.0)
        valley = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
        return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


TUNERS = {
    "number": ReturnsNumber,
    "dictionary": ReturnsDictionary,
    "history": ReturnsHistory,
    "list": ReturnsList,
    "black_box": BlackBox,
}


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """Describes the search."""
    returns = fn_args.custom_config["returns"]
    tuner = TUNERS[returns](
        objective="val_loss",
        max_trials=3,
        seed=1,
        directory=fn_args.working_dir,
        project_name=returns,
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"flow": make_workflow(fn_args)})


def make_workflow(fn_args: FnArgs) -> workflow.Workflow:
    """Reads the data of the workflow."""
    x, y = data.table(fn_args, "train", COLUMNS, label="target")
    held = data.table(fn_args, "eval", COLUMNS, label="target")
    return workflow.Workflow(x, y, held)
