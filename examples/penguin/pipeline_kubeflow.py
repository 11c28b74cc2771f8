"""Compiles the penguin pipelines for Kubeflow Pipelines and Vertex AI Pipelines.

python -m examples.penguin.pipeline_kubeflow --help
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

if __package__ in (None, ""):  # Run as a file, not with -m.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examples.penguin import console, pipeline_importer, pipeline_local

# What a cluster's launcher can reach, and also TensorFlow, through which TFX reads and
# writes. (Launchers know minio:// and oci:// too; TensorFlow has no such filesystem.)
_SCHEMES = ("gs://", "s3://")


def main(argv: Sequence[str] | None = None) -> int:
    """Writes both compiled pipelines; returns the exit status."""
    args = _parse(argv)
    log = args.output_dir / "compile.log"
    with console.output_to(log) as terminal:
        print(f"Compiling for {args.root}\nLog: {log}", file=terminal)
        # TFX takes 20 s to import, so this comes after the arguments are checked.
        from examples.penguin import kubeflow

        options = kubeflow.Options(
            root=args.root.rstrip("/"),
            image=args.image,
            data=args.data or f"{args.root.rstrip('/')}/data",
            tune_args=json.dumps({"num_parallel_trials": args.parallel_trials}),
            hyperparameters=args.hyperparameters,
            cpus=args.cpus,
            memory_gb=args.memory_gb,
            accelerator=args.accelerator,
            retries=args.retries,
            spec=args.spec,
        )
        try:
            kubeflow.check_root(options.root)
        except OSError as error:
            sys.exit(f"Refused. {error}")
        for name, importing in (
            (pipeline_local.NAME, False),
            (pipeline_importer.NAME, True),
        ):
            file = kubeflow.compile_pipeline(name, importing, options, args.output_dir)
            print(f"Wrote {file}", file=terminal)
    return 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Compiles the pipeline with a Tuner and the one with an importer. "
        "docs/kubeflow.md says how to build the image and submit the pipelines.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--root",
        required=True,
        metavar="URI",
        help="where artifacts are written: gs:// or s3://",
    )
    add(
        "--local-root",
        action="store_true",
        help="allow a directory of this machine as --root, to run the pipelines here "
        "with kfp.local; a cluster cannot run them",
    )
    add("--image", required=True, help="the image in which every step runs")
    add("--data", metavar="URI", help="directory of the CSV file (default: ROOT/data)")
    add(
        "--parallel-trials",
        type=_count,
        default=2,
        metavar="N",
        help="trials that the Tuner runs at the same time",
    )
    add(
        "--hyperparameters",
        metavar="URI",
        help="directory of a best_hyperparameters.txt to import (default: none; name it "
        "when you submit the importer's pipeline)",
    )
    add("--cpus", type=float, default=4.0, help="CPUs of the Tuner's pod")
    add("--memory-gb", type=float, default=16.0, help="memory of the Tuner's pod")
    add(
        "--accelerator",
        type=_accelerator,
        metavar="TYPE:COUNT",
        help="GPUs of the Tuner's pod: nvidia.com/gpu:1 on Kubeflow, NVIDIA_TESLA_T4:1 "
        "on Vertex",
    )
    add(
        "--retries",
        type=int,
        default=3,
        help="retries of the Tuner's pod; each continues the search",
    )
    add(
        "--spec",
        choices=["2.1", "2.0"],
        default="2.1",
        help="version of the pipeline spec: 2.1 is YAML for Kubeflow and Vertex, 2.0 "
        "the JSON job of older Vertex clients",
    )
    add(
        "--output-dir",
        type=_directory,
        default=".",
        metavar="DIR",
        help="where to write the compiled files",
    )
    args = parser.parse_args(argv)
    if not (args.root.startswith(_SCHEMES) or args.local_root):
        parser.error(_root_refused(args.root))
    if args.local_root and not Path(args.root).is_absolute():
        parser.error(
            "Expected --root with --local-root to be an absolute path. Received: "
            f"{args.root}. Every step may run in another directory."
        )
    return args


def _root_refused(root: str) -> str:
    scheme = re.match(r"[a-z0-9]+://", root)
    why = (
        f"TFX reads and writes through TensorFlow, which does not know {scheme.group()}"
        if scheme
        else "Steps run in pods, which do not see this machine's files"
    )
    return (
        f"Expected --root to begin with {' or '.join(_SCHEMES)}. Received: {root}. "
        f"{why}. Name a bucket, or add --local-root to run the pipelines here with "
        "kfp.local."
    )


def _directory(text: str) -> Path:
    path = Path(text)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"expected a directory that exists or can be made, received {text}: "
            f"{error.strerror}"
        ) from error
    return path


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, received {text}")
    return value


def _accelerator(text: str) -> tuple[str, int]:
    kind, _, count = text.rpartition(":")
    if not kind or not count.isdigit():
        raise argparse.ArgumentTypeError(
            f"expected TYPE:COUNT such as nvidia.com/gpu:1, received {text}"
        )
    return kind, int(count)


if __name__ == "__main__":
    sys.exit(main())
