"""`tuner-component cluster manifest`: a Ray cluster of its own for one pipeline."""

import argparse
import importlib.metadata
import re
import sys
from typing import Any

import yaml

from tuner_component.search.storage import files

_DESCRIPTION = """Writes the manifest of a RayJob: a Ray cluster that Kubernetes starts for one
command, such as the one that runs your pipeline, and takes away after it.

The operator KubeRay must be there, in release 1.6 or newer. The command runs on the
cluster's head, so its searches have Cluster(address="auto"). If it fails it is started
again, with a new cluster, and the searches go on. docs/cluster.md says more.
"""
# A name that Kubernetes takes, with room for what the operator adds.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_USER = 1000  # That of the Dockerfile.
_ATTEMPTS = 3
_VOLUME = "pipelines"


def add_to(commands: Any) -> None:
    """Adds the command to a parser's."""
    parser = commands.add_parser("cluster", help="make a Ray cluster for a pipeline")
    below = parser.add_subparsers(required=True, metavar="WHAT")
    manifest = below.add_parser(
        "manifest",
        help="write the manifest of a RayJob, for kubectl apply",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    manifest.set_defaults(run=run)
    manifest.add_argument(
        "--image",
        required=True,
        help="with this package, its extra [ray] and all that the command needs",
    )
    manifest.add_argument(
        "--command",
        required=True,
        metavar="TEXT",
        help='what to run, for example "python /pipelines/pipeline.py"',
    )
    for flag, default, text in (
        ("--name", "tuner", "the name of the RayJob"),
        ("--claim", "pipelines", "a claim of a volume that many pods may write"),
        ("--mount", "/pipelines", "where that volume is in all pods"),
        (
            "--token-secret",
            "tuner-ray-token",
            "the secret with the cluster's token, as auth_token",
        ),
    ):
        help_text = f"{text} (default: %(default)s)"
        manifest.add_argument(flag, default=default, metavar="TEXT", help=help_text)
    for flag, number, text in (
        ("--nodes", 4, "how many nodes there may be for trials"),
        ("--cpus", 8, "CPUs of a node"),
        ("--memory-gib", 32, "memory of a node, in GiB"),
        ("--gpus", 0, "NVIDIA GPUs of a node"),
        ("--head-memory-gib", 8, "memory of the head, which runs the command, in GiB"),
    ):
        help_text = f"{text} (default: %(default)s)"
        manifest.add_argument(
            flag, default=number, type=int, metavar="N", help=help_text
        )
    manifest.add_argument(
        "--output", metavar="FILE", help="the file to write (default: standard output)"
    )


def run(args: argparse.Namespace) -> None:
    """Runs the command.

    Raises:
        ValueError: If what the command line names is not as it should be.
    """
    text = _HEADING.format(secret=args.token_secret) + yaml.safe_dump(
        manifest(args), sort_keys=False
    )
    if args.output is None:
        sys.stdout.write(text)
        return
    files.write_output(args.output, text.encode())


_HEADING = """\
# A Ray cluster for one command. Before, once for all, make its token:
#   kubectl create secret generic {secret} \\
#     --from-literal=auth_token="$(openssl rand -hex 32)"
"""


def manifest(args: argparse.Namespace) -> dict[str, Any]:
    """Returns the manifest.

    Args:
        args: Of the command line.

    Raises:
        ValueError: If a value is none that Kubernetes takes.
    """
    for name in ("name", "claim", "token_secret"):
        if not _NAME.fullmatch(value := getattr(args, name)):
            raise ValueError(
                f"Expected --{name.replace('_', '-')} to have small letters, digits and "
                f"hyphens, at most 40, a letter first. Received: {value!r}."
            )
    for name in ("image", "command"):
        if not getattr(args, name).strip():
            raise ValueError(
                f"Expected --{name} to have a value. Received: {getattr(args, name)!r}."
            )
    for name, least in (
        *(("nodes", 1), ("cpus", 1), ("memory_gib", 1)),
        *(("gpus", 0), ("head_memory_gib", 1)),
    ):
        if getattr(args, name) < least:
            raise ValueError(
                f"Expected --{name.replace('_', '-')} to be {least} or more. Received: "
                f"{getattr(args, name)}."
            )
    if not args.mount.startswith("/"):
        raise ValueError(
            f"Expected --mount to be an absolute path. Received: {args.mount!r}."
        )
    node = {"cpu": str(args.cpus), "memory": f"{args.memory_gib}Gi"}
    if args.gpus:
        node["nvidia.com/gpu"] = str(args.gpus)
    head = {"cpu": "2", "memory": f"{args.head_memory_gib}Gi"}
    ports = [("gcs-server", 6379), ("dashboard", 8265)]
    listening = [{"name": name, "containerPort": port} for name, port in ports]
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": {"name": args.name},
        "spec": {
            "entrypoint": args.command,
            "shutdownAfterJobFinishes": True,
            "backoffLimit": _ATTEMPTS,
            "rayClusterSpec": {
                "rayVersion": _ray_version(),
                "authOptions": {"mode": "token", "secretName": args.token_secret},
                "enableInTreeAutoscaling": True,
                "headGroupSpec": {
                    "rayStartParams": {"num-cpus": "0"},  # It runs no trials.
                    "template": _pod(args, "ray-head", head, {"ports": listening}),
                },
                "workerGroupSpecs": [
                    {
                        "groupName": "trials",
                        "replicas": 0,
                        "minReplicas": 0,
                        "maxReplicas": args.nodes,
                        "rayStartParams": {},
                        # What is taken away saves the epochs of its trials first.
                        "template": _pod(args, "ray-worker", node, {}, grace=60),
                    }
                ],
            },
        },
    }


def _pod(
    args: argparse.Namespace,
    name: str,
    resources: dict[str, str],
    more: dict[str, Any],
    grace: int | None = None,
) -> dict[str, Any]:
    container = {
        "name": name,
        "image": args.image,
        "resources": {"requests": dict(resources), "limits": dict(resources)},
        "volumeMounts": [{"name": _VOLUME, "mountPath": args.mount}],
        **more,
    }
    volume = {
        "name": _VOLUME,
        "persistentVolumeClaim": {"claimName": args.claim},
    }
    spec: dict[str, Any] = {
        "securityContext": {"fsGroup": _USER},
        "containers": [container],
        "volumes": [volume],
    }
    if grace:
        spec["terminationGracePeriodSeconds"] = grace
    return {"spec": spec}


def _ray_version() -> str:
    try:
        return importlib.metadata.version("ray")
    except importlib.metadata.PackageNotFoundError as error:
        raise ValueError(
            "Expected Ray to be installed, in the release that the image has: the manifest "
            "names it. Received: none. Run this command in the image, or pip install "
            "'tfx-tuner-component[ray]'."
        ) from error
