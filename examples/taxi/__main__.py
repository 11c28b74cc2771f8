"""Writes the trips and runs the pipeline."""

from __future__ import annotations

import logging
import sys

from examples import gallery
from examples.gallery import Run


def pipeline(run: Run) -> int:
    """Raw examples of two months, a schema, splits of other names."""
    from examples.taxi import pipeline, trips

    for number, month in enumerate(pipeline.MONTHS):
        trips.write(run.root / "data" / month, number)
    logging.getLogger().setLevel(logging.WARNING)
    print(f"Model: {pipeline.run(run.root, run.root / 'data', run.workers)}")
    return 0


if __name__ == "__main__":
    sys.exit(gallery.main("taxi", {"pipeline": pipeline}))
