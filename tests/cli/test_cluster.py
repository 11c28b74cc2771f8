"""`tuner-component cluster manifest`: what the operator KubeRay takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples.test_kubernetes import SCHEMA, strict
from tuner_component.cli import main as cli

jsonschema = pytest.importorskip("jsonschema")
pytest.importorskip("ray")

COMMAND = ["cluster", "manifest", "--image", "registry/penguin:1"]
COMMAND += ["--command", "python /pipelines/pipeline.py"]


def schema() -> dict[str, Any]:
    """That of a RayJob, with that of the cluster in it; unknown fields are refused."""
    cluster = json.loads(SCHEMA.read_text())
    job = json.loads((SCHEMA.parent / "rayjob.schema.json").read_text())
    job["properties"]["rayClusterSpec"] = cluster["properties"]["spec"]
    kind = {"type": "object", "properties": {"spec": job}, "$defs": cluster["$defs"]}
    kind["properties"] |= {
        "apiVersion": {"const": "ray.io/v1"},
        "kind": {"const": "RayJob"},
        "metadata": {"type": "object", "required": ["name"]},
    }
    result: dict[str, Any] = strict(kind)
    return result


def written(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    """The manifest that the command prints."""
    assert cli.main([*COMMAND, *more]) == 0
    found: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    "more", [(), ("--gpus", "2", "--nodes", "9", "--name", "mine")]
)
def test_is_of_the_operators_schema(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    """`kubectl apply` would refuse it, or leave out what it does not know."""
    jsonschema.validate(written(capsys, *more), schema())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entrypoint", ["python"]),
        ("backoffLimit", "3"),
        ("entryPoint", "python"),
        ("rayClusterSpec", {}),
        ("rayClusterSpec", {"headGroupSpec": {"template": {}, "params": {}}}),
    ],
)
def test_what_the_operator_refuses_is_seen(
    capsys: pytest.CaptureFixture[str], name: str, value: Any
) -> None:
    """The test above would pass whatever the manifest says."""
    manifest = written(capsys)
    manifest["spec"][name] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(manifest, schema())


def test_says_what_the_command_line_says(capsys: pytest.CaptureFixture[str]) -> None:
    """The cluster would be another one than was asked for."""
    flags = {"--gpus": "2", "--cpus": "16", "--memory-gib": "64", "--nodes": "9"}
    texts = {"--claim": "data", "--mount": "/data", "--token-secret": "secret"}
    more = [word for pair in {**flags, **texts}.items() for word in pair]
    spec = written(capsys, *more)["spec"]
    assert spec["entrypoint"] == "python /pipelines/pipeline.py"
    cluster = spec["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token", "secretName": "secret"}
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    (group,) = cluster["workerGroupSpecs"]
    assert group["maxReplicas"] == 9
    (node,) = group["template"]["spec"]["containers"]
    expected = {"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "2"}
    assert node["resources"] == {"requests": expected, "limits": expected}
    for pod in (group["template"], cluster["headGroupSpec"]["template"]):
        (container,) = pod["spec"]["containers"]
        assert container["image"] == "registry/penguin:1"
        assert container["volumeMounts"] == [
            {"name": "pipelines", "mountPath": "/data"}
        ]
        (volume,) = pod["spec"]["volumes"]
        assert volume["persistentVolumeClaim"] == {"claimName": "data"}


def test_is_written_to_a_file(tmp_path: Path) -> None:
    """The flag would be without effect."""
    path = tmp_path / "jobs" / "job.yaml"
    assert cli.main([*COMMAND, "--output", str(path)]) == 0
    assert yaml.safe_load(path.read_text())["kind"] == "RayJob"
    assert "kubectl create secret generic tuner-ray-token" in path.read_text()


def test_where_nothing_can_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    """It would end in a trace, or with advice about searches."""
    assert cli.main([*COMMAND, "--output", "/dev/null/job.yaml"]) != 0
    said = capsys.readouterr().err
    assert "Received: /dev/null/job.yaml (Not a directory). Name one in another" in said


@pytest.mark.parametrize(
    "more",
    [
        ("--name", "My_Job"),
        ("--name", "x" * 41),
        ("--claim", ""),
        ("--nodes", "0"),
        ("--gpus", "-1"),
        ("--mount", "pipelines"),
        ("--image", ""),
        ("--command", " "),
    ],
)
def test_what_kubernetes_refuses_is_said(
    capsys: pytest.CaptureFixture[str], more: tuple[str, str]
) -> None:
    """The error would come from the operator, in a log that nobody looks at."""
    assert cli.main([*COMMAND, *more]) == cli.MISUSED
    said = capsys.readouterr().err
    assert re.search(f"Expected {more[0]} to (be|have|name) .* Received: ", said)
