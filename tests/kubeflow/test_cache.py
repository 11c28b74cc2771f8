"""The cache answers for what has been executed, and for nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.kubeflow.cache import Cache


class Run:
    """A run whose tasks copy their input, and a number, to their output."""

    def __init__(self, root: Path, name: str, executed: list[str]) -> None:
        self.root = root / name
        self.cache = Cache(root / "cache")
        self.executed = executed

    def __call__(self, task: str, source: str, number: int = 1, status: int = 0) -> int:
        output = self.root / task / "executor_output.json"
        value = {"artifacts": [{"uri": str(self.root / task / "out")}]}
        told: dict[str, Any] = {
            "inputs": {
                "artifacts": {"in": {"artifacts": [{"uri": source}]}} if source else {},
                "parameters": {"number": number},
            },
            "outputs": {"artifacts": {"out": value}, "outputFile": str(output)},
        }
        if "b" in self.root.name:
            told = dict(reversed(told.items()))

        def execute() -> int:
            self.executed.append(f"{self.root.name} {task}")
            output.parent.mkdir(parents=True)
            output.write_text(json.dumps({"out": value}))
            (output.parent / "out").write_text(f"{number}")
            return status

        words = ["node", "--json_serialized_invocation_args", json.dumps(told)]
        return self.cache.run(words, execute)

    def out(self, task: str) -> str:
        """The output of a task, as the next one is told of it."""
        return str(self.root / task / "out")


@pytest.fixture
def executed() -> list[str]:
    return []


@pytest.fixture
def runs(tmp_path: Path, executed: list[str]) -> tuple[Run, Run]:
    return Run(tmp_path, "a", executed), Run(tmp_path, "b", executed)


def test_equal_commands_are_executed_once(
    runs: tuple[Run, Run], executed: list[str]
) -> None:
    """Every test of two pipelines would wait for the same data twice."""
    for run in runs:
        assert run("gen", "") == run("next", run.out("gen")) == 0
    assert executed == ["a gen", "a next"]
    second = runs[1].root / "next"
    assert (second / "out").read_text() == "1"
    told = json.loads((second / "executor_output.json").read_text())
    assert told["out"]["artifacts"][0]["uri"] == runs[1].out("next")


def test_other_commands_are_executed(
    runs: tuple[Run, Run], executed: list[str]
) -> None:
    """A test would look at what another pipeline has done."""
    for number, run in enumerate(runs):
        run("gen", "", number)
        run("next", run.out("gen"))
    assert executed == ["a gen", "a next", "b gen", "b next"]


def test_what_comes_from_a_command_of_its_own_is_not_shared(
    runs: tuple[Run, Run], executed: list[str], tmp_path: Path
) -> None:
    """Commands may be equal, and what they read is not."""
    for run in runs:
        run("train", str(tmp_path / run.root.name))
        run("push", run.out("train"))
    assert executed == ["a train", "a push", "b train", "b push"]


def test_what_failed_is_executed_again(
    runs: tuple[Run, Run], executed: list[str]
) -> None:
    """A retry would be answered with the failure."""
    assert runs[0]("gen", "", status=1) == 1
    assert runs[1]("gen", "") == 0
    assert executed == ["a gen", "b gen"]
