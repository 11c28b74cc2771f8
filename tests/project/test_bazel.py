"""Bazel itself reads, builds and tests the project, offline, where it is installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto

from tests.support.project import ROOT
from tuner_component.proto import tuner_pb2

pytestmark = pytest.mark.slow

# The server lives for seconds: compiling it as if for days takes half of its time.
STARTUP = [
    "--nohome_rc",
    "--host_jvm_args=-XX:TieredStopAtLevel=1",
    "--host_jvm_args=-XX:+UseSerialGC",
]


@pytest.fixture(scope="module")
def bazel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Runs a command of Bazel's on the project; returns what it prints."""
    if not (shutil.which("bazel") and shutil.which("protoc")):
        pytest.skip("no bazel and protoc (Debian: bazel-bootstrap, protobuf-compiler)")
    output = tmp_path_factory.mktemp("bazel")

    def run(*command: str) -> str:
        done = subprocess.run(
            ["bazel", *STARTUP, f"--output_user_root={output}", *command],
            check=False,
            cwd=ROOT,
            env={**os.environ, "PROJECT_PYTHON": sys.executable},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # Bazel tells its version without a server; Debian's has none to tell.
    version = run("--version").split()[-1]
    if version != "no_version" and not version.startswith("4."):
        pytest.skip(f"WORKSPACE is made for Debian's Bazel 4; this is {version}")
    yield run
    run("shutdown")


def test_every_test_is_a_target(bazel: Callable[..., str]) -> None:
    """`bazel test //...` would pass without having run all tests."""
    tests = {
        f"//tests:{path.relative_to(ROOT / 'tests').with_suffix('')}"
        for path in (ROOT / "tests").rglob("test_*.py")
    }
    assert set(bazel("query", "kind(py_test, //...)").split()) == tests


def test_no_package_from_elsewhere_is_superfluous(bazel: Callable[..., str]) -> None:
    """Who gets these packages by other ways would get some for nothing."""
    ours = "deps(//... except //third_party/...)"
    assert bazel("query", f"//third_party/... except {ours}") == ""


def test_search_does_not_need_tfx(bazel: Callable[..., str]) -> None:
    """Workers on machines without TFX could not be built."""
    query = "rdeps(//tuner_component/..., //third_party/python:tfx)"
    folders = {label.partition(":")[0] for label in bazel("query", query).split()}
    assert folders - {"//third_party/python"} == {
        "//tuner_component",
        "//tuner_component/cli",
        "//tuner_component/data",
        "//tuner_component/extensions/google_cloud_ai_platform",
        "//tuner_component/identity",
        "//tuner_component/inputs",
        "//tuner_component/pipeline",
    }


def test_builds_everything(bazel: Callable[..., str]) -> None:
    """A target would name a source or a dependency that is not there."""
    bazel("build", "//...")


def messages(found: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    """All messages, nested ones too, without the names that some compilers add."""
    for message in found:
        yield from messages(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
        yield message


def test_proto_is_the_one_that_is_committed(bazel: Callable[..., str]) -> None:
    """Bazel users would get other messages from //proto than from the package."""
    bazel("build", "//proto:tuner_proto")
    directory = Path(bazel("info", "bazel-bin").strip(), "proto")
    files = descriptor_pb2.FileDescriptorSet.FromString(
        (directory / "tuner_proto-descriptor-set.proto.bin").read_bytes()
    )
    committed = descriptor_pb2.FileDescriptorProto()
    tuner_pb2.DESCRIPTOR.CopyToProto(committed)
    (built,) = files.file
    assert built.name == committed.name
    assert list(messages(built.message_type)) == list(messages(committed.message_type))


def test_runs_a_test(bazel: Callable[..., str]) -> None:
    """A test under Bazel would not find pytest, the package, or what they import."""
    only = "--test_arg=-k=what_was_written"
    bazel("test", "//tests:results/test_loading", only)
