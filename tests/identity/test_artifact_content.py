"""What artifacts hold, however it lies in their files."""

import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_artifacts

from tuner_component.identity import artifact_content
from tuner_component.report.page import REPORT_FILE


def feature(value: int) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def example(number: int, names: str = "abc") -> bytes:
    """A record whose features were written in the order of their names here."""
    parts = [
        tf.train.Example(
            features=tf.train.Features(feature={name: feature(number + ord(name))})
        ).SerializeToString()
        for name in names
    ]
    return b"".join(parts)  # What is parsed from that is merged.


NUMBERS = [example(number) for number in range(20)]


def examples(
    root: Path,
    shards: Mapping[str, list[bytes]],
    payload: int = example_gen_pb2.FORMAT_TF_EXAMPLE,
) -> types.Artifact:
    """Writes records to the files that are named."""
    for name, records in shards.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        compression = "GZIP" if name.endswith(".gz") else ""
        options = tf.io.TFRecordOptions(compression)
        with tf.io.TFRecordWriter(str(path), options) as writer:
            for record in records:
                writer.write(record)
    artifact = standard_artifacts.Examples()
    artifact.uri = str(root)
    examples_utils.set_payload_format(artifact, payload)
    return artifact


def described(artifact: types.Artifact) -> list[str]:
    return list(artifact_content.describe(artifact))


def test_order_and_files_of_examples_do_not_count(tmp_path: Path) -> None:
    """A pipeline without cache would start a new search after every crash."""
    once = examples(tmp_path / "1", {"Split-train/data-0.gz": NUMBERS})
    again = [example(number, "cab") for number in range(20)]
    random.Random(1).shuffle(again)
    shards = {"Split-train/x-0.gz": again[:7], "Split-train/x-1.gz": again[7:]}
    assert again[0] not in NUMBERS
    assert described(examples(tmp_path / "2", shards)) == described(once)


@pytest.mark.parametrize(
    "change",
    [
        lambda numbers: {"Split-train/data.gz": numbers[:-1]},
        lambda numbers: {"Split-train/data.gz": [*numbers, numbers[3]]},
        lambda numbers: {"Split-eval/data.gz": numbers},
        lambda numbers: {
            "Split-train/data.gz": [*numbers[:9], example(99), *numbers[10:]]
        },
    ],
    ids=["fewer", "one twice", "another split", "another value"],
)
def test_what_examples_say_counts(
    tmp_path: Path, change: Callable[[list[bytes]], dict[str, list[bytes]]]
) -> None:
    """Scores on other data would count as scores on this."""
    before = examples(tmp_path / "1", {"Split-train/data.gz": NUMBERS})
    after = examples(tmp_path / "2", change(NUMBERS))
    assert described(before) != described(after)


@pytest.mark.parametrize(
    ("payload", "same"),
    [
        (example_gen_pb2.FORMAT_TF_SEQUENCE_EXAMPLE, True),
        (example_gen_pb2.FORMAT_PROTO, False),
    ],
)
def test_records_are_read_as_what_they_are(
    tmp_path: Path, payload: int, same: bool
) -> None:
    """Searches on sequences would start again; other messages might be misread."""
    # Context features have the place that features have in an example.
    one = examples(tmp_path / "1", {"Split-a/x.gz": [example(1, "abc")]}, payload)
    two = examples(tmp_path / "2", {"Split-a/x.gz": [example(1, "cba")]}, payload)
    assert (described(one) == described(two)) == same


def test_files_of_other_formats_count_by_their_bytes(tmp_path: Path) -> None:
    """A component that reads Parquet would fail, or take any data for the same."""
    artifact = examples(tmp_path, {"Split-train/data": NUMBERS})
    other = tmp_path / "Split-train" / "data.parquet"
    other.write_bytes(b"PAR1" + bytes(99))
    before = described(artifact)
    other.write_bytes(b"PAR1" + bytes(50) + b"x" + bytes(48))
    assert described(artifact) != before


def test_very_many_examples_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terabyte would be read before the first trial."""
    monkeypatch.setattr(artifact_content, "_MOST_BYTES", 0)
    monkeypatch.setattr(artifact_content, "_SAMPLE_BYTES", 16)
    artifact = examples(tmp_path, {"Split-train/data": NUMBERS})
    before = described(artifact)
    file = tmp_path / "Split-train" / "data"
    data = file.read_bytes()
    file.write_bytes(data[:500] + b"x" + data[501:])
    assert described(artifact) == before
    file.write_bytes(data[:-1] + b"x")
    assert described(artifact) != before


def saved_model(root: Path, factor: float, name: str) -> types.Artifact:
    class Scale(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, "x")])
        def scale(self, x: Any) -> Any:
            with tf.name_scope(name):
                return {"y": x * tf.constant(factor, name=name)}

    module = Scale()
    tf.saved_model.save(module, str(root), signatures=module.scale)
    artifact = standard_artifacts.TransformGraph()
    artifact.uri = str(root)
    return artifact


def test_names_in_a_graph_do_not_count(tmp_path: Path) -> None:
    """A pipeline without cache would start a new search after every crash."""
    once = saved_model(tmp_path / "1", 2.0, "once")
    again = saved_model(tmp_path / "2", 2.0, "again")
    pb = "saved_model.pb"
    assert (tmp_path / "1" / pb).read_bytes() != (tmp_path / "2" / pb).read_bytes()
    assert described(once) == described(again)


def test_what_a_graph_computes_counts(tmp_path: Path) -> None:
    """Trials with other features would be mixed."""
    before = saved_model(tmp_path / "1", 2.0, "scale")
    after = saved_model(tmp_path / "2", 3.0, "scale")
    assert described(before) != described(after)


def statistics(root: Path, mean: float, **num_examples: int) -> types.Artifact:
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(root)
    artifact.split_names = artifact_utils.encode_split_names(list(num_examples))
    artifact.set_string_custom_property("tfx_version", "1.16.0")
    for split, count in num_examples.items():
        found = statistics_pb2.DatasetFeatureStatisticsList()
        of = found.datasets.add(num_examples=count)
        of.features.add(name="x").num_stats.mean = mean
        path = root / f"Split-{split}" / "FeatureStats.pb"
        path.parent.mkdir(parents=True)
        path.write_bytes(found.SerializeToString())
    return artifact


def test_of_statistics_the_numbers_of_examples_count(tmp_path: Path) -> None:
    """Examples in another order have another last digit in their mean, or more of them.

    A pipeline without cache would start a new search after every crash.
    """
    once = statistics(tmp_path / "1", 0.1, train=2, eval=1)
    again = statistics(tmp_path / "2", 0.10000000000000002, eval=1, train=2)
    more = statistics(tmp_path / "3", 0.1, train=3, eval=1)
    assert described(again) == described(once) == ["eval 1", "train 2"]
    assert described(more) != described(once)


def test_the_report_of_results_does_not_count(tmp_path: Path) -> None:
    """An upgrade that draws it anew would start a new search."""
    artifact = standard_artifacts.TunerResults()
    artifact.uri = str(tmp_path)
    for name in ("tuner_results.json", REPORT_FILE):
        (tmp_path / name).write_text("before")
    before = described(artifact)
    (tmp_path / REPORT_FILE).write_text("after")
    assert described(artifact) == before
    (tmp_path / "tuner_results.json").write_text("after")
    assert described(artifact) != before


def test_a_torn_graph_counts_by_its_bytes(tmp_path: Path) -> None:
    """It would end the component with protobuf's own error."""
    artifact = saved_model(tmp_path, 2.0, "scale")
    (tmp_path / "saved_model.pb").write_bytes(b"\xff\xff")
    assert described(artifact)


def test_tensorflow_is_not_set_running(tmp_path: Path) -> None:
    """The pipeline's process would take the GPUs that workers need."""
    examples(tmp_path, {"Split-train/data.gz": NUMBERS})
    code = f"""
from tfx.types import standard_artifacts
from tuner_component.identity import artifact_content
from tuner_component.search.parallel.local import preload
artifact = standard_artifacts.Examples()
artifact.uri = {str(tmp_path)!r}
print(*artifact_content.describe(artifact), preload.running_framework())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Split-train 20 ")
    assert done.stdout.endswith(" None\n")
    assert "tf_record_iterator" not in done.stderr
