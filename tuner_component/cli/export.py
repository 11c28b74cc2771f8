"""`export`: a study where people already look."""

import argparse
import json
from typing import Any

from tuner_component.report.loading import load_study
from tuner_component.search.spelling import counted


def add_to(commands: Any, study_help: str) -> None:
    """Adds the command to a parser's.

    Args:
        commands: Of the parser.
        study_help: What can name a study.
    """
    text = "bring a search to Optuna's dashboard, MLflow, Weights & Biases, or a table"
    parser = commands.add_parser(
        "export",
        help=text,
        description=f"{text.capitalize()}. Done again, it brings what is new.",
    )
    parser.add_argument("study", metavar="STUDY", help=study_help)
    parser.set_defaults(run=run)
    parser.add_argument(
        "--optuna",
        metavar="STORAGE",
        help="a storage of Optuna's: sqlite:///FILE, another database, or journal:FILE; "
        "see it with: optuna-dashboard STORAGE",
    )
    parser.add_argument(
        "--mlflow",
        metavar="URI",
        help="a tracking server or store of MLflow; runs are in the experiment "
        "tuner_component, or that of MLFLOW_EXPERIMENT_NAME",
    )
    parser.add_argument(
        "--wandb",
        metavar="DIR",
        nargs="?",
        const="",
        help="Weights & Biases: its server, if you are logged in; otherwise, or with "
        "WANDB_MODE=offline, runs for `wandb sync` in DIR/wandb (default: that of "
        "WANDB_DIR, or here); the project is tuner_component, or that of WANDB_PROJECT",
    )
    parser.add_argument(
        "--csv", metavar="FILE", help="a table with a row for each trial"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        StorageError: If a file cannot be written.
        ValueError: If what the command line names is not as it should be.
    """
    targets = {"optuna": args.optuna, "mlflow": args.mlflow, "csv": args.csv}
    wanted = {name: target for name, target in targets.items() if target}
    if args.wandb is not None:
        wanted["wandb"] = args.wandb
    if not wanted:
        raise ValueError(
            "Expected --optuna STORAGE, --mlflow URI, --wandb or --csv FILE. "
            "Received: none."
        )
    study = load_study(args.study)
    for name, target in wanted.items():
        count = _exporter(name)(study, target)
        if args.json:
            print(json.dumps({"to": name, "target": target, "trials": count}))
        else:
            where = f"{name} {target}".rstrip()
            print(f"{where}: {counted(count, 'trial')} written.")


def _exporter(name: str) -> Any:
    # Each needs a library that takes a moment to import.
    if name == "optuna":
        from tuner_component.export import optuna_storage

        return optuna_storage.export
    if name == "mlflow":
        from tuner_component.export import mlflow_runs

        return mlflow_runs.export
    if name == "wandb":
        from tuner_component.export import wandb_process

        return wandb_process.export
    from tuner_component.export import table

    return table.export
