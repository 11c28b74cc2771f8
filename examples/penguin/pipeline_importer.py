"""Trains a penguin model with hyperparameters from a file, without a search.

python -m examples.penguin.pipeline_importer --help
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # Run as a file, not with -m.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.penguin import console, pipeline_local

NAME = "penguin-importer"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the pipeline and shows its results; returns the exit status."""
    parser = console.argument_parser(
        "Trains a model on the Palmer penguins with hyperparameters from a file, "
        "evaluates it and pushes it."
    )
    parser.add_argument(
        "--hyperparameters",
        metavar="FILE",
        help="a best_hyperparameters.txt that a Tuner wrote, unchanged or edited "
        "(default: that of the last run of pipeline_local under the same root)",
    )
    args = parser.parse_args(argv)
    root = args.root.resolve()
    log = root / f"{NAME}.log"
    with console.output_to(log) as terminal:
        print(f"Training under {root}\nLog: {log}", file=terminal)
        try:
            directory = prepared(args.hyperparameters or _last_tuned(root), root)
        except (ValueError, FileNotFoundError) as error:
            sys.exit(f"Refused. {error}")
        # TFX takes 20 s to import, so this comes after the arguments are checked.
        from examples.penguin import pipeline, summary

        pipeline.run(pipeline.create_pipeline(NAME, root, directory), terminal)
        results = summary.Summary(root, NAME, terminal)
        results.hyperparameters(directory)
        results.evaluation()
        pushed = results.predictions()
        results.places(log)
    return 0 if pushed else 1


def prepared(source: str, root: Path) -> str:
    """Checks a file of hyperparameters, and copies it to where it can be imported.

    The Trainer reads the only file in the artifact's directory, so the file needs its
    own directory. The directory's name comes from the content: an edited file is a new
    artifact, which the Trainer has not seen, and the metadata stay true for models that
    were trained with the old one. (The alternative is an Importer with `reimport=True`.
    It trains again in every run, and all runs refer to the one file, whatever it
    contains by then.)

    Args:
        source: A `best_hyperparameters.txt`, or the directory that holds one.
        root: Directory below which the copy is written.

    Returns:
        The copy's directory.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not contain hyperparameters.
    """
    from tuner_component import load_best_hyperparameters  # imports TensorFlow

    content = json.dumps(load_best_hyperparameters(source).get_config())
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    directory = root / "imported_hyperparameters" / digest
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "best_hyperparameters.txt").write_text(content)
    return str(directory)


def _last_tuned(root: Path) -> str:
    from examples.penguin import artifacts

    name = pipeline_local.NAME
    return artifacts.latest(root, name, "Tuner", "best_hyperparameters").uri


if __name__ == "__main__":
    sys.exit(main())
