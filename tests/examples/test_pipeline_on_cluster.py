"""The penguin pipeline with its Tuner on a cluster, all of which dies in the midst."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.penguin import artifacts
from tests.support import namespaces, processes
from tests.support.penguin_on_cluster import NAME
from tests.support.project import ROOT
from tests.support.ray_cluster import RayCluster
from tuner_component import load_study
from tuner_component.cli import main as cli

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.on_demand,
    pytest.mark.skipif(bool(namespaces.missing()), reason=namespaces.missing()),
]

HOSTS = ("127.0.0.3", "127.0.0.4", "127.0.0.5")
TRIALS = 8


@contextmanager
def three_nodes(hidden: Path) -> Iterator[RayCluster]:
    """A cluster of three nodes with a place each, which see nothing of a directory."""
    with tempfile.TemporaryDirectory(prefix="ray_") as directory:
        cluster = RayCluster(Path(directory))
        try:
            for host in HOSTS:
                cluster.add(host, cpus=1, hidden={str(hidden): ""})
            yield cluster
        finally:
            cluster.close()


@contextmanager
def pipeline(
    cluster: RayCluster, root: Path, temporary: Path
) -> Iterator[subprocess.Popen[str]]:
    """The pipeline's process, as a user would start it."""
    command = [sys.executable, "-m", "tests.support.penguin_on_cluster"]
    # TFX installs the wheel of the module below TMPDIR.
    with subprocess.Popen(
        [*command, str(root), cluster.address],
        cwd=ROOT,
        env={**os.environ, **cluster.environment, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            processes.kill(*processes.descendants(process.pid), process.pid)


def test_a_pipeline_goes_on_when_all_of_a_cluster_has_died(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hours of training on many machines would be lost with one of them."""
    root, temporary = tmp_path / "root", tmp_path / "temporary"
    temporary.mkdir()
    with (
        three_nodes(temporary) as cluster,
        pipeline(cluster, root, temporary) as process,
    ):
        assert process.stdout is not None
        said = ""
        while not re.search(r"Trial \d+ completed \(3 of 8\)", said):
            line = process.stdout.readline()
            assert line, said
            said += line
        family = [process.pid, *processes.descendants(process.pid)]
        left = cluster.search_processes()
        processes.kill(*family)
        cluster.kill_head()
        processes.wait_until_gone([*family[1:], *left], 60)
    done = set(re.findall(r"Trial (\d+) completed", said))

    with (
        three_nodes(temporary) as cluster,
        pipeline(cluster, root, temporary) as process,
    ):
        said, _ = process.communicate()
    assert process.returncode == 0, said
    assert list((root / "serving").glob("*/saved_model.pb")), said

    results = Path(artifacts.latest(root, NAME, "Tuner", "tuner_results").uri)
    study = load_study(results)
    assert study.status == "finished"
    assert len(study.completed) == TRIALS
    for trial in study.trials:
        assert trial.attempts, trial.trial_id
        assert {a.node for a in trial.attempts} <= set(HOSTS)
        if trial.trial_id in done:
            assert len(trial.attempts) == 1, "a completed trial was run again"
    report = (results / "report.html").read_text()
    assert all(host in report for host in HOSTS)
    assert cli.main(["status", str(results)]) == 0
    assert "8 of 8 trials completed" in capsys.readouterr().out
