"""Examples in files, and what TFX hands to a module that reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tuner_component.pipeline import fn_args as fn_args_lib
from tuner_component.proto import tuner_pb2

Rows = Sequence[Mapping[str, Any]]
MakeFnArgs = Callable[..., Any]


def example(row: Mapping[str, Any]) -> tf.train.Example:
    made = tf.train.Example()
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        feature = made.features.feature[name]
        if isinstance(values[0], str):
            feature.bytes_list.value.extend(text.encode() for text in values)
        elif isinstance(values[0], float):
            feature.float_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    return made


@pytest.fixture
def fn_args(tmp_path: Path) -> MakeFnArgs:
    """Makes FnArgs with examples in the split `train`, and perhaps a schema."""

    def make(rows: Rows, schema: str | None = None) -> Any:
        split = tmp_path / "Split-train"
        split.mkdir()
        with tf.io.TFRecordWriter(str(split / "a.gz"), "GZIP") as file:
            for row in rows:
                file.write(example(row).SerializeToString())
        path = tmp_path / "schema.pbtxt"
        if schema is not None:
            path.write_text(schema)
        return fn_args_lib.to_fn_args(
            tuner_pb2.TunerFnArgs(
                train_files=[str(split / "*")],
                schema_path=str(path) if schema is not None else "",
                payload_format="FORMAT_TF_EXAMPLE",
            )
        )

    return make
