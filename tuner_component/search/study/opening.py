"""Opening the study that the options of a search ask for."""

from collections.abc import Mapping

from tuner_component.search.options import SearchOptions
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
    return Study.open(
        directory,
        fingerprint,
        options.seed,
        confirm_top=options.confirm_top,
        confirm_seeds=options.confirm_seeds,
        stop_when=options.stop_when,
    )
