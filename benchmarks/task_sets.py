"""All tasks on which searches are compared, and which of them were held out.

The tasks of development were looked at again and again while `search="auto"` was made. The
others were chosen before that, and searches were run on them once, when it was finished.
What was seen on "conditional" then led to a change, so it counts as seen. How many paused
trials are kept follows from what was seen on "cancer".
"""

from benchmarks import curve_tasks, replay, synthetic_curves

DEVELOPMENT = (
    *("digits", "penguins", "docstrings", "diabetes"),
    *("late", "tiny", "noisy", "wide", "conditional"),
)
HELD_OUT = (
    *("cancer", "wine"),
    *("crossing", "plateaus", "huge", "categories", "costly"),
)
NAMES = (*DEVELOPMENT, *HELD_OUT)
KINDS = {"development": DEVELOPMENT, "held out": HELD_OUT}


def is_there(name: str) -> bool:
    """Whether the curves of a task are there: those of real tasks are recorded."""
    return name not in curve_tasks.TASKS or replay.is_recorded(name)


def load(name: str) -> replay.Task:
    """A task by its name."""
    if name in curve_tasks.TASKS:
        return replay.recorded(name)
    return synthetic_curves.TASKS[name]()
