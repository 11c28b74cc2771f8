"""The manifest of a Ray cluster: of KubeRay's schema, and fit for the image."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.project import ROOT, extras

# TFX of today brings it, TFX of tomorrow may not.
jsonschema = pytest.importorskip("jsonschema")

MANIFEST = ROOT / "examples" / "kubernetes" / "ray_cluster.yaml"
SCHEMA = ROOT / "tests" / "examples" / "data" / "raycluster.schema.json"


def strict(schema: Any) -> Any:
    """The schema, without room for fields that it does not name.

    A cluster drops what it does not know, with a warning at best.
    """
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: strict(part) for key, part in schema.items()}
    is_open = "additionalProperties" in schema or schema.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    if isinstance(schema.get("properties"), dict) and not is_open:
        result["additionalProperties"] = False
    return result


def cluster() -> dict[str, Any]:
    found: dict[str, Any] = next(yaml.safe_load_all(MANIFEST.read_text()))
    return found


def pipeline() -> dict[str, Any]:
    _, found = yaml.safe_load_all(MANIFEST.read_text())
    return found  # type: ignore[no-any-return]


def check(manifest: dict[str, Any]) -> None:
    jsonschema.validate(manifest, strict(json.loads(SCHEMA.read_text())))


def pods() -> Iterator[dict[str, Any]]:
    """The pods' specs: the head's, those of the workers, the pipeline's."""
    spec = cluster()["spec"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        yield group["template"]["spec"]
    yield pipeline()["spec"]["template"]["spec"]


def variables(container: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry for entry in container.get("env", [])}


def test_is_of_the_operators_schema() -> None:
    """`kubectl apply` would refuse it, or leave out what it does not know."""
    check(cluster())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "headGroupSpec", "rayStartParams", "num-cpus"), 0),
        (("spec", "headGroupSpec", "template", "spec", "containers"), None),
        (("spec", "authOptions", "mode"), "tokens"),
        (("spec", "authOptions", "secret"), "a field of another name"),
        (("spec", "workerGroups"), []),
    ],
)
def test_what_the_operator_refuses_is_seen(path: tuple[str, ...], value: Any) -> None:
    """The test above would pass whatever the manifest says."""
    manifest = copy.deepcopy(cluster())
    *above, last = path
    part = manifest
    for name in above:
        part = part[name]
    part[last] = value
    with pytest.raises(jsonschema.ValidationError):
        check(manifest)


def test_all_pods_have_one_image_and_the_same_files() -> None:
    """Versions would differ, or a study be written where the other pods do not see it."""
    containers = [pod["containers"][0] for pod in pods()]
    assert {container["image"] for container in containers} == {"REGISTRY/penguin:1"}
    mounts = [container["volumeMounts"] for container in containers]
    assert mounts == [mounts[0]] * 3
    volumes = [pod["volumes"] for pod in pods()]
    assert volumes == [volumes[0]] * 3


def test_all_files_are_writable_for_the_user_of_the_image() -> None:
    """Workers would fail at their first checkpoint."""
    (user,) = re.findall(
        r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert {pod["securityContext"]["fsGroup"] for pod in pods()} == {int(user)}


def test_release_of_ray_is_that_of_the_image() -> None:
    """The operator would start pods as another release of Ray expects it."""
    version = cluster()["spec"]["rayVersion"]
    assert "EXTRAS=kfp,ray" in MANIFEST.read_text()
    assert "ray" in extras()
    for constraints in (ROOT / "constraints").glob("tfx-*.txt"):
        assert f"\nray=={version}\n" in constraints.read_text()


def test_the_pipeline_is_a_node_that_runs_no_trials() -> None:
    """It could not drive the search, or would share its memory with trials."""
    (container,) = pipeline()["spec"]["template"]["spec"]["containers"]
    (command,) = container["args"]
    name = cluster()["metadata"]["name"]
    assert f"ray start --address={name}-head-svc:6379 --num-cpus=0" in command
    head = cluster()["spec"]["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"


def test_every_pod_has_the_token() -> None:
    """Anybody in the cluster could run code, or the pipeline would not be let in."""
    options = cluster()["spec"]["authOptions"]
    assert options["mode"] == "token"
    (container,) = pipeline()["spec"]["template"]["spec"]["containers"]
    given = variables(container)
    assert given["RAY_AUTH_MODE"]["value"] == "token"
    secret = given["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": options["secretName"], "key": "auth_token"}
