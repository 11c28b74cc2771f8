"""The generated messages: up to date, loadable everywhere, and TFX's where they meet."""

import os
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import DescriptorProto
from google.protobuf.message import Message
from tfx.proto import tuner_pb2 as tfx_tuner_pb2

from tests.support import environments
from tests.support.project import ROOT
from tuner_component.proto.tuner_pb2 import Cluster, Stopping, TuneArgs, TunerFnArgs

# Sets every field, prints the message's bytes, and reads them and its JSON back.
ROUND_TRIP = """
from google import protobuf
from google.protobuf import json_format
from tuner_component.proto.tuner_pb2 import (
    Cluster, Retry, Stopping, TuneArgs, TunerFnArgs,
)

message = TunerFnArgs(
    working_dir="/study", train_files=["/a/*", "/b/*"], eval_files=["/c/*"],
    train_splits=["train"], eval_splits=["eval"], train_steps=2**40, eval_steps=5,
    schema_path="/schema", transform_graph_path="/graph", base_model="/model",
    custom_config='{"units": 8}', payload_format="FORMAT_PROTO",
    data_view_uri="/view", num_examples={"train": 2**40, "eval": 0}, study_id="s",
    module_file="/m.py", module_path="m", tuner_fn="m.tuner_fn",
    search="auto", best_model=True, argv=["m.py", "--units=8"],
)
stopping = Stopping(
    rule="ASHA", grace_epochs=2, reduction_factor=4, warmup_trials=0, patience=3,
    max_epochs=9,
)
cluster = Cluster(
    address="auto", memory_gib_per_trial=1.5, resources_per_trial={"a": 0.5, "b": 2},
    wait_seconds=60, workers_per_trial=4, driver_on_cluster=True,
)
retry = Retry(trials=["07"], causes=["OSError"], times=2)
tune_args = TuneArgs(
    num_parallel_trials=3, cpus_per_trial=2, gpus_per_trial=0.5, max_retries=0,
    trial_timeout_seconds=1.5, time_budget_seconds=2.5, max_failed_trials=0,
    study_dir="/studies", seed=0, max_trials_per_worker=4,
    stopping=stopping, skip_preflight=True, cluster=cluster,
    search="auto", confirm_top=3, confirm_seeds=4, pareto=True,
    constraints=["a <= 1", "b > 2"], stop_when="converged", max_trials=20,
    retry=retry, trackers=["mlflow"],
)
for sent in (message, stopping, cluster, retry, tune_args):
    assert {f.name for f, _ in sent.ListFields()} == set(sent.DESCRIPTOR.fields_by_name)
    assert type(sent).FromString(sent.SerializeToString()) == sent
    assert json_format.Parse(json_format.MessageToJson(sent), type(sent)()) == sent
print(protobuf.__version__)
print(message.SerializeToString(deterministic=True).hex())
"""


def round_trip(python: str | Path) -> list[str]:
    done = subprocess.run(
        [python, "-c", ROUND_TRIP],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.20.3", "6.33.6"])
def test_loads_and_round_trips_under(version: str) -> None:
    """One of the two TFX lines could not load the messages, or would misread them."""
    python = environments.interpreter(f"protobuf-{version}", [f"protobuf=={version}"])
    used, data = round_trip(python)
    assert used == version
    _, here = round_trip(sys.executable)
    assert data == here


@pytest.mark.slow
def test_generated_code_matches_the_proto(tmp_path: Path) -> None:
    """An edit of the .proto, or of the generated code, would have no effect."""
    finder = [ROOT / "tools" / "find_python.sh", "3.10"]
    if subprocess.run(finder, check=False, capture_output=True).returncode:
        pytest.skip("the pinned protoc needs Python 3.10, and this machine has none")
    subprocess.run([ROOT / "proto" / "generate.sh", tmp_path], check=True)
    generated = tmp_path / "tuner_component" / "proto"
    committed = ROOT / "tuner_component" / "proto"
    for name in (
        *("tuner_pb2.py", "tuner_pb2.pyi", "docstrings.py"),
        *("vizier_pb2.py", "vizier_pb2.pyi"),
    ):
        current = (committed / name).read_text() == (generated / name).read_text()
        assert current, f"{name} is out of date: make protos"


@pytest.mark.parametrize("message", [TuneArgs, Stopping, Cluster, TunerFnArgs])
def test_help_says_what_each_field_means(message: type[Message]) -> None:
    """A user would have to read the .proto."""
    text = pydoc.plain(pydoc.render_doc(message))
    for field in message.DESCRIPTOR.fields_by_name:
        assert re.search(rf"^ \|  .*\b{field}(, \w+)*: \S", text, re.MULTILINE), field


@pytest.mark.parametrize("value", [0, 1, 2**31 - 1])
def test_tune_args_are_tfx_tune_args(value: int) -> None:
    """A pipeline that passes TFX's message would run another search."""
    ours = TuneArgs(num_parallel_trials=value)
    theirs = tfx_tuner_pb2.TuneArgs(num_parallel_trials=value)
    assert ours.SerializeToString() == theirs.SerializeToString()
    assert json_format.MessageToJson(ours) == json_format.MessageToJson(theirs)
    assert TuneArgs.FromString(theirs.SerializeToString()) == ours


def test_fields_that_tfx_reserves_stay_reserved() -> None:
    """A later field of ours would be read as one that TFX once wrote."""
    assert {2, 3, 4} <= reserved_numbers(TuneArgs)
    assert reserved_numbers(tfx_tuner_pb2.TuneArgs) <= reserved_numbers(TuneArgs)


def reserved_numbers(message: type[Message]) -> set[int]:
    proto = DescriptorProto()
    message.DESCRIPTOR.CopyToProto(proto)
    return {
        number
        for interval in proto.reserved_range
        for number in range(interval.start, interval.end)
    }
