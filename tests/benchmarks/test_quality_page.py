"""The measured parts of a page."""

from benchmarks import quality_page
from benchmarks.quality_tables import Found
from benchmarks.scoring import Score

PAGE = "Before.\n<!-- measured: goals -->\nold\n<!-- end of goals -->\nAfter.\n"


def scores(seconds: float, loss: float = 0.5) -> list[Score]:
    return [Score(False, False, seconds, loss, 0.25, 0.01, 1.0)] * 3


FOUND: Found = {
    "tiny": {
        "auto": scores(10.0),
        "ours": scores(20.0),
        "ray random asha": scores(30.0),
        "optuna median": scores(40.0, loss=0.4),
        "stock random": scores(70.0),
    },
    "late": {"ours": scores(1.0)},
}


def test_a_page_is_left_as_it_is_around_what_was_measured() -> None:
    """Words of a page would be lost each time that figures change."""
    page = quality_page.filled(PAGE, {2: FOUND})
    assert page.startswith("Before.\n") and page.endswith("\nAfter.\n")
    assert "old" not in page
    assert quality_page.filled(page, {2: FOUND}) == page


def test_a_missed_goal_is_called_so() -> None:
    """A page would claim what was not reached."""
    lines = quality_page.reached({2: FOUND}).splitlines()
    by_words = {line.split(": ")[1].split(". It")[0]: line for line in lines}
    loss = by_words[
        "a loss at equal budget of at most that of the best peer, on each task"
    ]
    assert loss.startswith("- Missed") and "1.25 [1.25, 1.25]" in loss
    assert (
        lines[0].startswith("- Met on all tasks (1):") and "It is 3 [3, 3]" in lines[0]
    )


def test_the_best_of_the_others_is_named() -> None:
    """A reader could not tell what "auto" was compared with."""
    row = quality_page.summary({2: FOUND}).splitlines()[2]
    assert row == (
        "| tiny | 10 [10, 10] (3) | 30 [30, 30] (3), ray random asha | 3.00 "
        "| 20 [20, 20] (3) | 70 [70, 70] (3), stock random |"
    )
    row = quality_page.losses({2: FOUND}).splitlines()[2]
    assert "0.4 [0.4, 0.4], optuna median" in row


def test_what_is_not_measured_is_left_empty() -> None:
    """A page could not be made before all is measured."""
    assert "late" not in quality_page.summary({2: FOUND})
    table = quality_page.scaling({2: FOUND, 8: {"tiny": {"auto": scores(5.0)}}})
    assert "| tiny | 10 [10, 10] (3) | 5 [5, 5] (3) |" in table
    assert table.endswith(
        "| times as fast as the best peer, median | 3.00 (1 tasks) |  |"
    )
