"""Tunes day after day: today's search starts from yesterday's results.

python -m examples.penguin.pipeline_continuous --help
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # Run as a file, not with -m.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tfx import v1 as tfx
from tfx.types import standard_artifacts

from examples.penguin import artifacts, console, pipeline
from tuner_component import TuneArgs, Tuner, load_tuner_results

NAME = "penguin-continuous"
# The days are the years in which the penguins were measured.
DAYS = (2008, 2009)


def create_pipeline(name: str, root: Path, data: Path, warm: bool) -> tfx.dsl.Pipeline:
    """Builds the pipeline of one day.

    Args:
        name: The pipeline's name.
        root: Where the pipeline writes everything.
        data: The directory of the day's CSV file.
        warm: Whether the search starts from the results of the last one.
    """
    example_gen = tfx.components.CsvExampleGen(input_base=str(data))
    examples = example_gen.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False
    )
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema_gen.outputs["schema"],
        module_file=str(pipeline.MODULE_FILE),
        disable_statistics=True,
    )
    components = [example_gen, statistics_gen, schema_gen, transform]
    prior = {}
    if warm:
        # The results of this pipeline's last run that tuned. On the first day there are
        # none, and the search starts from nothing.
        resolver = tfx.dsl.Resolver(
            strategy_class=tfx.dsl.experimental.LatestArtifactStrategy,
            results=tfx.dsl.Channel(
                type=standard_artifacts.TunerResults, producer_component_id="Tuner"
            ),
        ).with_id("PriorResults")
        components.append(resolver)
        prior = {"prior_results": resolver.outputs["results"]}
    tuner = Tuner(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        module_file=str(pipeline.MODULE_FILE),
        train_args=tfx.proto.TrainArgs(splits=["train"], num_steps=20),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        tune_args=TuneArgs(num_parallel_trials=pipeline.PARALLEL_TRIALS),
        **prior,
    )
    return tfx.dsl.Pipeline(
        pipeline_name=name,
        pipeline_root=str(root / name),
        metadata_connection_config=artifacts.connection_config(root),
        components=[*components, tuner],
    )


def rows_until(year: int, directory: Path) -> Path:
    """Writes the rows measured until a year; returns the directory of the CSV file."""
    directory.mkdir(parents=True, exist_ok=True)
    with (pipeline.DATA / "penguins.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    with (directory / "penguins.csv").open("w", newline="") as target:
        writer = csv.DictWriter(target, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if int(row["year"]) <= year)
    return directory


def scores(root: Path, name: str) -> list[float]:
    """The scores of the last search in the order in which its trials started."""
    results = load_tuner_results(
        artifacts.latest(root, name, "Tuner", "tuner_results").uri
    )
    return [t.score for t in sorted(results, key=lambda trial: int(trial.trial_id))]


def main(argv: Sequence[str] | None = None) -> int:
    """Tunes on two days, with and without prior results, and compares."""
    parser = console.argument_parser(
        "Tunes on two days. The second day's search runs twice: from nothing, and from "
        "the first day's results."
    )
    root = parser.parse_args(argv).root.resolve()
    data = {day: rows_until(day, root / "data" / str(day)) for day in DAYS}
    log = root / f"{NAME}.log"
    with console.output_to(log) as terminal:
        print(f"Tuning under {root}\nLog: {log}", file=terminal)
        for name, warm, day in [
            (NAME, True, DAYS[0]),
            (NAME, True, DAYS[1]),
            (f"{NAME}-cold", False, DAYS[1]),
        ]:
            pipeline.run(create_pipeline(name, root, data[day], warm), terminal)
            found = scores(root, name)
            print(f"{name}, data until {day}: val_loss", file=terminal)
            print("  " + " ".join(f"{score:.4f}" for score in found), file=terminal)
        warm_scores, cold = scores(root, NAME), scores(root, f"{NAME}-cold")
        target = min(cold)
        reached = [n for n, score in enumerate(warm_scores, 1) if score <= target]
        print(
            f"\nFrom nothing, trial {cold.index(target) + 1} was the best: {target:.4f}.\n"
            "From the first day's results it took "
            + (f"{reached[0]} trials." if reached else "more than all trials."),
            file=terminal,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
