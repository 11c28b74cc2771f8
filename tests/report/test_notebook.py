"""A study in a notebook: what it shows, and how it is used."""

from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

import pytest

from tests.support import studies
from tests.support.imports import run_without
from tuner_component.report.record import StudyRecord

# A name, a value and a message that a page would obey.
EVIL = "<script>alert(1)</script>\udc80"


class Tags(HTMLParser):
    """The tags of a page, and whether each is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(study: StudyRecord) -> Tags:
    tags = Tags(study._repr_html_())
    assert tags.open == []
    return tags


def test_study_is_a_short_line() -> None:
    """A notebook would be flooded with all curves of all trials."""
    said = repr(studies.big_study(60))
    best = studies.big_study(60).best
    assert best is not None and len(said) < 200
    assert said.startswith("<Study 0123456789abcdef: finished, 57 of 60 trials")
    assert f"3 failed, best val_loss {best.score:.6g} by trial {best.trial_id}" in said


def test_notebook_shows_the_best_with_their_curves() -> None:
    """People would have to know how to ask before they see anything."""
    study = studies.big_study(60)
    shown = study._repr_html_()
    tags = page(study).tags
    assert tags.count("tr") == 11 and tags.count("svg") == 11
    assert study.best is not None and f"{study.best.score:.6g}" in shown
    assert "and 47 more: study.to_frame()" in shown
    assert len(shown) < 50_000


@pytest.mark.parametrize(
    "study",
    [
        studies.study(),
        studies.study(studies.created("0")),
        studies.study(studies.created("0"), studies.failed("0", EVIL)),
        studies.study(studies.created("0"), studies.ended("0", curves=[])),
        dataclasses.replace(studies.study(studies.ended("0")), objective=None),
        studies.study(
            studies.created("0"),
            studies.ended("0", 1.0, curves=[{"val_loss": [1e308, -1e308]}]),
        ),
    ],
    ids=["none", "running", "failed", "no curves", "no objective", "huge"],
)
def test_any_study_can_be_shown(study: StudyRecord) -> None:
    """The one that went wrong could not be looked at."""
    page(study)
    assert repr(study).startswith("<Study ")


def test_nothing_of_a_study_is_obeyed() -> None:
    """A hyperparameter or an id could run in the reader's notebook."""
    ended = studies.ended(EVIL, values={EVIL: EVIL})
    study = studies.study(studies.created(EVIL), ended, id=EVIL)
    study = dataclasses.replace(study, losses=[EVIL], ended_because=EVIL)
    tags = page(study).tags
    known = {"div", "b", "br", "table", "tr", "td", "th", "small"}
    assert set(tags) <= known | {"svg", "title", "polyline"}
    study._repr_html_().encode()


def test_study_is_a_collection_of_trials() -> None:
    """People would have to search a list for the trial that they read about."""
    study = studies.big_study(30)
    assert len(study) == 30 and list(study) == list(study.trials)
    assert study["0003"].trial_id == "0003"
    assert studies.study()  # One without trials is no less there.
    for unknown in ("0099", 3):
        with pytest.raises(KeyError, match="Expected the id of a trial"):
            study[unknown]  # type: ignore[index]
    with pytest.raises(KeyError, match="Did you mean 00"):
        study["003"]


def test_results_are_read_without_a_framework() -> None:
    """A notebook that reads a table would wait seconds for TensorFlow, and need it."""
    code = (
        "import json, pathlib, tempfile\n"
        "from tuner_component import load_study, load_tuner_results\n"
        "path = pathlib.Path(tempfile.mkdtemp(), 'tuner_results.json')\n"
        "path.write_text(json.dumps([{'trial_id': '0', 'score': 1.0, 'units': 8}]))\n"
        "assert load_tuner_results(path)[0].hyperparameters == {'units': 8}\n"
        "heavy = {'tensorflow', 'keras', 'keras_tuner', 'tfx', 'plotly', 'pandas'}\n"
        "loaded = heavy & {name for name, it in sys.modules.items() if it}\n"
        "assert not loaded, loaded\n"
    )
    done = run_without((), code)
    assert done.returncode == 0, done.stderr
