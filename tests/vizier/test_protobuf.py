"""Both services are understood with the protobuf of either line of TFX."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import environments
from tests.support.project import ROOT

# What TFX 1.21 brings; here is what TFX 1.16 does.
NEWER = ["protobuf==6.33.6", "grpcio==1.85.1", "google-cloud-aiplatform==1.165.1"]
CONVERSATION = """
import sys
from google import protobuf
from tests.support.vertex import PROJECT, REGION, serving
from tuner_component.proto import vizier_pb2
from tuner_component.vizier import messages, vertex
from tuner_component.vizier.service import OverError, Parameter, Problem, Scale, State

child = Parameter("layers", (), 1, 3)
problem = Problem("loss", True, (
    Parameter("rate", (), 1e-4, 1e-1, Scale.LOG),
    Parameter("kind", ("flat", "deep"), children=((("deep",), child),)),
    Parameter("units", (8.0, 16.0)),
))
flat = Problem("loss", True, (problem.parameters[0], problem.parameters[2]))
sent = messages.spec_of(flat, vizier_pb2).SerializeToString(deterministic=True)
assert messages.problem_of(vizier_pb2.StudySpec.FromString(sent), vizier_pb2) == flat

def talk(service):
    study = service.open_study("s", problem)
    assert service.open_study("s", problem) == study
    for number in range(12):  # More than a page.
        trial = service.suggest(study, f"c{number}")
        service.measure(trial.name, "loss", 1, 0.5)
        service.complete(trial.name, "loss", None if number == 3 else 1.5, "why")
    try:
        service.complete(trial.name, "loss", 2.0, "")
    except OverError:
        service.add(study, {"rate": 0.01, "kind": "flat", "units": 8.0}, "loss", 3.0)
    told = service.trials(study)
    assert [t.result for t in told] == [1.5] * 3 + [None] + [1.5] * 8 + [3.0]
    assert told[3].state is State.INFEASIBLE and told[0].steps == 1
    service.drop(told[0].name)
    assert len(service.trials(study)) == 12

with serving():
    talk(vertex.VertexVizier(PROJECT, REGION))
print(protobuf.__version__, sent.hex())
"""


def talk(python: str | Path) -> list[str]:
    done = subprocess.run(
        [python, "-W", "ignore", "-c", CONVERSATION],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.slow
def test_both_lines_say_the_same() -> None:
    """A search would work with one TFX and fail with the other."""
    newer = environments.interpreter(
        "vizier-client", [*NEWER, "pytest", "cryptography"]
    )
    used, sent = talk(newer)
    assert used == "6.33.6"
    assert talk(sys.executable)[1] == sent
