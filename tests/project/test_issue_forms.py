"""The forms in which people report what is wrong."""

import re
import shlex
import subprocess
import sys

import pytest
import yaml

from tests.support.project import ROOT

FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
KINDS = {"checkboxes", "dropdown", "input", "markdown", "textarea"}


@pytest.mark.parametrize(
    "name", [path.name for path in FORMS if path.name != "config.yml"]
)
def test_form_is_valid(name: str) -> None:
    """People would get an empty page instead of questions."""
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text())
    assert form["name"] and form["description"]
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids) > 0
    for part in form["body"]:
        assert part["type"] in KINDS
        assert part["attributes"]["label"]


def test_versions_are_printed_by_what_the_form_says() -> None:
    """A report would come without versions, and with a traceback."""
    text = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text()
    (command,) = re.findall(r"`(python -c .*)`$", text, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, *shlex.split(command)[1:]],
        check=True,
        capture_output=True,
        text=True,
    )
    assert re.search(r"^tensorflow 2\.", done.stdout, re.MULTILINE)
    assert re.search(r"^tfx-tuner-component \d", done.stdout, re.MULTILINE)
