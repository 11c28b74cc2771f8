"""An object in a file shows that it was changed."""

import json

import pytest

from tuner_component.documents import seal

CONTENT = {"seed": 1, "text": "ä", "rate": 2.0, "parts": {"a": [1.5, None]}}


def test_a_sealed_object_is_intact_after_a_file() -> None:
    """Nothing that is written could be read."""
    assert seal.is_intact(json.loads(json.dumps(seal.sealed(CONTENT))))


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"more": 0}, {"parts": {}}, {"sha256": None}]
)
def test_a_change_shows(change: dict[str, object]) -> None:
    """A value that flipped on a disk would be believed."""
    assert not seal.is_intact({**seal.sealed(CONTENT), **change})


def test_layout_does_not_matter() -> None:
    """A file that another program wrote again would count as damaged."""
    text = json.dumps(seal.sealed(CONTENT), ensure_ascii=False, indent=3)
    content = json.loads(text.replace("2.0,", "2,"))
    assert seal.is_intact(dict(sorted(content.items())))


def test_objects_of_earlier_releases_have_no_seal() -> None:
    """Studies and records that were written before would be refused."""
    assert seal.is_intact(CONTENT) and not seal.is_sealed(CONTENT)
    assert seal.is_sealed(seal.sealed(CONTENT))


def test_a_new_seal_replaces_the_old() -> None:
    """An object that is read, changed and written would look damaged."""
    assert seal.is_intact({**seal.sealed({**seal.sealed(CONTENT), "seed": 3})})
