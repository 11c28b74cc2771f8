"""What tutorial and how-to pages tell people to type works."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import snippets
from tests.support.project import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
PAGES = [TUTORIAL, *sorted((ROOT / "docs" / "howto").glob("*.md"))]
RUN = [
    page
    for page in PAGES
    if any(not found.reason for found in snippets.snippets(page.read_text()))
]


def run(page: Path, directory: Path) -> str:
    done = snippets.run(page, directory)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.slow
def test_tutorial_ends_with_a_trained_model(tmp_path: Path) -> None:
    """The first thing that a newcomer does would fail."""
    said = run(TUTORIAL, tmp_path)
    assert "trials completed, 0 failed" in said
    assert {path.name for path in tmp_path.glob("*.keras")} == {
        "digits.keras",
        "photos.keras",
    }
    assert (tmp_path / "search" / "results" / "report.html").exists()
    best = tmp_path / "search" / "best_hyperparameters" / "best_hyperparameters.txt"
    assert set(json.loads(best.read_text())["values"]) == {
        "units",
        "dropout",
        "learning_rate",
    }


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUN if page != TUTORIAL], ids=str)
def test_how_to_works(page: Path, tmp_path: Path) -> None:
    """People would copy what does not run."""
    run(page, tmp_path)


def test_most_is_run() -> None:
    """Pages could say anything: a comment is enough to leave a snippet out."""
    assert {page.stem for page in RUN} >= {
        "custom-loop",
        "from-cloudtuner",
        "from-kerastuner",
        "images",
        "text",
        "tutorial",
    }


def test_no_snippet_is_overlooked() -> None:
    """A fence that is written in another way would never be run."""
    for page in PAGES:
        text = page.read_text()
        fences = text.count("```") // 2
        assert len(snippets.snippets(text)) == fences, page


def test_each_kind_of_snippet(tmp_path: Path) -> None:
    """The tests above would pass whatever the pages say."""
    page = tmp_path / "page.md"
    page.write_text(
        '```python title="a.py"\nprint("in a file")\n```\n'
        "```sh\npython a.py\n```\n"
        "```python\nx = 1\n```\nand\n```python\nprint('x is', x)\n```\n"
        "<!-- not run: it fails -->\n```sh\nexit 1\n```\n"
    )
    said = run(page, tmp_path)
    assert "in a file" in said and "x is 1" in said
    page.write_text("```sh\nfalse\necho more\n```\n")
    done: subprocess.CompletedProcess[str] = snippets.run(page, tmp_path)
    assert done.returncode != 0 and "more" not in done.stdout.split("\n")
