"""Tunes, trains, evaluates and pushes a model of handwritten digits on this machine.

python -m examples.digits.pipeline_local --help
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # Run as a file, not with -m.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.penguin import console


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the pipeline and shows its results; returns the exit status."""
    parser = console.argument_parser(
        "Searches for a model that reads handwritten digits, trains the best one, and "
        "pushes it if it beats a model with default values. If you start it again, it "
        "computes only what has changed.",
        root="runs/digits",
    )
    root = parser.parse_args(argv).root.resolve()
    log = root / "digits.log"
    start = time.monotonic()
    with console.output_to(log) as terminal:
        print(f"Tuning and training under {root}\nLog: {log}", file=terminal)
        # TFX takes 20 s to import, so this comes after the arguments are checked.
        from tfx import v1 as tfx

        from examples.digits import pipeline, summary

        made = pipeline.create_pipeline(root)
        with console.Progress(terminal, len(made.components)).shown():
            tfx.orchestration.LocalDagRunner().run(made)
        print(f"  together          {time.monotonic() - start:6.1f} s", file=terminal)
        pushed = summary.show(root, log, terminal)
    return 0 if pushed else 1


if __name__ == "__main__":
    sys.exit(main())
