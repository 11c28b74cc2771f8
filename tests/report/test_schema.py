"""The published schema of a record is that of the records that are written."""

import json

import pytest

from tests.report.test_record import lived
from tests.support.project import ROOT
from tuner_component.report import schema

# TFX of today brings it, TFX of tomorrow may not.
jsonschema = pytest.importorskip("jsonschema")


def test_the_published_schema_is_up_to_date() -> None:
    """Other programs would check records against what they were once."""
    published = json.loads((ROOT / "docs" / "study.schema.json").read_text())
    written = json.loads(json.dumps(schema.record_schema()))
    assert published == written, (
        "Write it again: python -m tuner_component.report.schema > "
        "docs/study.schema.json"
    )


def test_a_record_is_of_its_schema() -> None:
    """The schema would refuse what is written."""
    jsonschema.validate(json.loads(lived().to_json()), schema.record_schema())


@pytest.mark.parametrize("direction", [None, "up", 1])
def test_what_the_reader_refuses_is_not(direction: object) -> None:
    """The schema would allow everything."""
    content = json.loads(lived().to_json())
    content["objective"]["direction"] = direction
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, schema.record_schema())
