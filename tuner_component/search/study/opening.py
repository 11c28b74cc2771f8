"""Opening the study that the options of a search ask for."""

from collections.abc import Mapping

from tuner_component.search.options import SearchOptions
from tuner_component.search.study.going_on import Wanted
from tuner_component.search.study.study import Study


def open_study(
    directory: str, fingerprint: Mapping[str, str], options: SearchOptions
) -> Study:
    """Opens a study: see `Study.open`.

    Args:
        directory: Path or URI, of this study alone.
        fingerprint: The parts that shape the search, by name.
        options: Those of the search.
    """
    asked = wanted(options)._asdict()
    return Study.open(directory, fingerprint, options.seed, **asked)


def wanted(options: SearchOptions) -> Wanted:
    """What a finished study may go on for, by the options of its search."""
    return Wanted(
        confirm_top=options.confirm_top,
        confirm_seeds=options.confirm_seeds,
        stop_when=options.stop_when,
        max_trials=options.max_trials,
        retry=options.retry,
    )
