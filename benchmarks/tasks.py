"""All tasks on which searches are compared, and which of them were held out.

The tasks of development were looked at again and again while `search="auto"` was made. The
others were chosen before that, and searches were run on them once, when it was finished.
"""

from benchmarks import curve_tasks, replay, synthetic_curves

DEVELOPMENT = (
    *("digits", "penguins", "docstrings", "diabetes"),
    *("late", "tiny", "noisy"),
)
HELD_OUT = (
    *("cancer", "wine"),
    *("crossing", "plateaus", "huge", "categories", "conditional", "costly"),
)
NAMES = (*DEVELOPMENT, *HELD_OUT)


def load(name: str) -> replay.Task:
    """A task by its name."""
    if name in curve_tasks.TASKS:
        return replay.recorded(name)
    return synthetic_curves.TASKS[name]()
