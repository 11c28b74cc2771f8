"""Tables of what searches are worth."""

from benchmarks import quality_tables
from benchmarks.scoring import Score


def score(seconds: float, missed: bool = False) -> Score:
    return Score(missed, False, seconds, 0.5, 0.25, 0.01, 1.0)


def test_a_table_says_what_was_missed_and_how_sure_a_figure_is() -> None:
    """A median of two lucky seeds would look like one of twenty."""
    text = quality_tables.of(
        {2: {"tiny": {"auto": [score(10.0), score(30.0)], "ours": [score(9.0, True)]}}}
    )
    assert "| auto | 20 [10, 30] (2) |" in text
    assert "| ours | 9 [9, 9] (1 of 1 missed) |" in text
    assert "| auto | 0.5 [0.5, 0.5] |" in text


def test_tasks_without_a_search_are_left_empty() -> None:
    """A table could not be made before everything is measured."""
    found = {"tiny": {"auto": [score(1.0)]}, "late": {"ours": [score(2.0)]}}
    text = quality_tables.table(found, quality_tables.seconds)
    assert text.splitlines()[0] == "| search | late | tiny |"
    assert text.splitlines()[2] == "| auto |  | 1 [1, 1] (1) |"
