"""Tunes, trains, evaluates and pushes a penguin model on this machine.

python -m examples.penguin.pipeline_local --help
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # Run as a file, not with -m.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.penguin import console

NAME = "penguin"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the pipeline and shows its results; returns the exit status."""
    parser = console.argument_parser(
        "Tunes a model on the Palmer penguins, trains it with the best "
        "hyperparameters, evaluates it and pushes it. If you start it again, it "
        "computes only what has changed."
    )
    root = parser.parse_args(argv).root.resolve()
    log = root / f"{NAME}.log"
    with console.output_to(log) as terminal:
        print(f"Tuning and training under {root}\nLog: {log}", file=terminal)
        # TFX takes 20 s to import, so this comes after the arguments are checked.
        from examples.penguin import pipeline, summary

        pipeline.run(pipeline.create_pipeline(NAME, root), terminal)
        results = summary.Summary(root, NAME, terminal)
        best = results.trials()
        results.evaluation()
        pushed = results.predictions()
        results.places(log)
        print(
            "\nTrain again with the best hyperparameters, or with an edited copy:\n"
            f"  python -m examples.penguin.pipeline_importer "
            f"--root {summary.short(root)} \\\n"
            f"    --hyperparameters {summary.short(best)}",
            file=terminal,
        )
    return 0 if pushed else 1


if __name__ == "__main__":
    sys.exit(main())
