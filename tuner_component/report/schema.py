"""The JSON Schema of a published `study.json`, from the types that it is decoded to.

python -m tuner_component.report.schema > docs/study.schema.json
"""

import inspect
import json
from typing import Any

import msgspec

from tuner_component.documents import seal
from tuner_component.report.record import StudyRecord
from tuner_component.report.record_file import KIND, VERSION


def record_schema() -> dict[str, Any]:
    """The schema of what `StudyRecord.to_json` writes."""
    _, parts = msgspec.json.schema_components(
        [StudyRecord], ref_template="#/$defs/{name}"
    )
    study = parts.pop(StudyRecord.__name__)
    envelope = {"kind": {"const": KIND}, "version": {"const": VERSION}}
    checksum = {seal.FIELD: {"type": "string"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_readable(study),
        "properties": {**envelope, **study["properties"], **checksum},
        "required": [*envelope, *study["required"]],
        "$defs": {name: _readable(part) for name, part in parts.items()},
    }


def _readable(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "description": inspect.cleandoc(schema["description"])}


if __name__ == "__main__":
    print(json.dumps(record_schema(), indent=2))
