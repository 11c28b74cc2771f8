"""`tuner-component tune`: from files to a report, and again after it was killed."""

import argparse
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from google.protobuf import json_format

from tests.support import programs
from tests.support.project import ROOT
from tuner_component import load_study
from tuner_component.cli import tune, tune_help
from tuner_component.cli.main import _parsed, main
from tuner_component.proto import tuner_pb2

# A module, and one beside it that it imports.
SIBLING = """
    import os, time
    import keras_tuner


    class Toy(keras_tuner.Tuner):
        def run_trial(self, trial, rows, barrier):
            x = trial.hyperparameters.Float("x", -1.0, 1.0)
            while int(trial.trial_id) >= 2 and not os.path.exists(barrier):
                time.sleep(0.05)
            return (x - 0.25) ** 2 + rows
"""
# Counts the rows that its data has; each trial waits for a file to appear.
MODULE = """
    import keras_tuner
    from tuner_component import TunerFnResult
    from tfx_bsl.public import tfxio
    from toys_of_the_user import Toy


    def rows_of(files, fn_args):
        options = tfxio.TensorFlowDatasetOptions(batch_size=1, num_epochs=1)
        from tfx.utils import io_utils
        from tensorflow_metadata.proto.v0 import schema_pb2
        schema = io_utils.parse_pbtxt_file(fn_args.schema_path, schema_pb2.Schema())
        names = {feature.name for feature in schema.feature}
        assert names == {"length", "species"}, names
        dataset = fn_args.data_accessor.tf_dataset_factory(files, options, schema)
        return sum(1 for _ in dataset)


    def tuner_fn(fn_args):
        oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=4, seed=7)
        tuner = Toy(oracle, directory=fn_args.working_dir, project_name="toy")
        rows = rows_of(fn_args.train_files, fn_args)
        barrier = fn_args.custom_config["barrier"]
        return TunerFnResult(tuner=tuner, fit_kwargs={"rows": rows, "barrier": barrier})
"""
MODULES = {"user.py": MODULE, "toys_of_the_user.py": SIBLING}


def parsed(*arguments: str) -> argparse.Namespace:
    return _parsed(["tune", "m.py", "--train", "a", "--out", "o", *arguments])


def test_every_field_of_tune_args_has_a_flag() -> None:
    """Something that a pipeline can say could not be said here."""
    names = {field.name for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields}
    assert names <= vars(parsed()).keys()


def test_flags_become_tune_args() -> None:
    """A flag would be accepted and ignored."""
    rule = '{"rule": "MEDIAN"}'
    bounds = ("--constraint", "size <= 5", "--constraint", "loss<1")
    args = parsed(
        *("--gpus-per-trial", "0.5", "--seed", "3", "--stopping", rule),
        *("--pareto", *bounds),
    )
    assert tune.tune_args(args, "/o") == {
        "num_parallel_trials": 1,
        "study_dir": "/o/studies",
        "gpus_per_trial": 0.5,
        "seed": 3,
        "stopping": {"rule": "MEDIAN"},
        "pareto": True,
        "constraints": ["size <= 5", "loss < 1"],
    }


def test_order_of_flags_makes_no_other_search(tmp_path: Path) -> None:
    """A search that was killed would begin anew when its command is typed again."""
    module = tmp_path / "m.py"
    module.touch()
    of = ["tune", str(module), "--train", "a", "--out", "o", "--"]
    one, other = (
        tune._properties(_parsed([*of, *flags]), "/o")["custom_config"]
        for flags in (["--a=1", "--b=2"], ["--b=2", "--a=1"])
    )
    assert one == other == '{"a": 1, "b": 2}'


def test_every_flag_is_explained() -> None:
    """People would have to read the sources to use one."""
    names = {field.name for field in tuner_pb2.TuneArgs.DESCRIPTOR.fields}
    assert names == tune_help.TEXTS.keys()


def test_cluster_is_named_by_its_address() -> None:
    """A search would run on this machine, or reserve nothing on the cluster."""
    args = parsed(
        *("--cluster", "head:6379", "--memory-gib-per-trial", "1.5"),
        *("--resource", "TPU=4", "--resource", "a=b=0.5", "--wait-seconds", "60"),
        *("--workers-per-trial", "2", "--driver-on-cluster"),
    )
    found = tune.tune_args(args, "/o")
    assert found["cluster"] == {
        "address": "head:6379",
        "memory_gib_per_trial": 1.5,
        "resources_per_trial": {"TPU": 4, "a=b": 0.5},
        "wait_seconds": 60,
        "workers_per_trial": 2,
        "driver_on_cluster": True,
    }
    assert set(found["cluster"]) == set(tuner_pb2.Cluster.DESCRIPTOR.fields_by_name)
    message = json_format.ParseDict(found, tuner_pb2.TuneArgs())
    assert message.cluster.resources_per_trial == {"TPU": 4, "a=b": 0.5}
    assert tune.tune_args(parsed("--cluster", "auto"), "/o")["cluster"] == {
        "address": "auto"
    }


@pytest.mark.parametrize(
    "flag",
    [["--memory-gib-per-trial", "1"], ["--resource", "TPU=1"], ["--driver-on-cluster"]],
)
def test_what_is_said_of_a_cluster_needs_one(flag: list[str]) -> None:
    """It would silently do nothing."""
    with pytest.raises(
        ValueError, match=r"Expected --cluster with \w+_(per_trial|cluster)"
    ):
        tune.tune_args(parsed(*flag), "/o")


@pytest.mark.parametrize("address", ["ray://head:10001", "head"])
def test_a_cluster_without_a_name_is_refused_before_the_imports(
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """People would wait for twenty seconds to hear of a slip."""

    def refuse() -> None:
        raise AssertionError

    monkeypatch.setattr(tune, "quieten", refuse)  # The imports come after it.
    for name in ("m.py", "d.csv"):
        (tmp_path / name).touch()
    data = ["--train", str(tmp_path / "d.csv"), "--out", str(tmp_path / "out")]
    assert main(["tune", str(tmp_path / "m.py"), *data, "--cluster", address]) == 2
    assert f"Received: {address!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            ["--out", "gs://bucket/out"],
            "Expected --out to be a directory on this machine",
        ),
        (["--out", "d.csv"], "Received: d.csv, and that is a file"),
        (["--schema", "none"], "none, which holds nothing"),
        (["--schema", "two"], "two, which holds a, b. Name the file"),
    ],
)
def test_directory_that_cannot_be_used_is_refused_before_the_imports(
    flags: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Results would be in a directory `gs:` here, or a traceback of TFX's be all."""

    def refuse() -> None:
        raise AssertionError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tune, "quieten", refuse)  # The imports come after it.
    for name in ("m.py", "d.csv", "two/a", "two/b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "none").mkdir()
    assert main(["tune", "m.py", "--train", "d.csv", "--out", "out", *flags]) == 2
    assert said in capsys.readouterr().err
    assert sorted(os.listdir()) == ["d.csv", "m.py", "none", "two"]


@pytest.mark.parametrize("steps", ["-5", "99999999999", "1.5"])
def test_steps_that_tfx_does_not_hold_are_a_usage_error(
    steps: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end in a traceback, or train for a number of steps below zero."""
    with pytest.raises(SystemExit, match="2"):
        parsed("--train-steps", steps)
    assert f"Received: {steps}." in capsys.readouterr().err


@pytest.mark.parametrize("number", ["nan", "inf", "half"])
@pytest.mark.parametrize("flag", ["--gpus-per-trial", "--wait-seconds"])
def test_number_that_is_none_is_a_usage_error(
    flag: str, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error would be about JSON, and how to compile a pipeline."""
    with pytest.raises(SystemExit, match="2"):
        parsed(flag, number)
    assert f"a finite number. Received: {number}." in capsys.readouterr().err


@pytest.mark.parametrize("text", ["TPU", "TPU=", "TPU=four", "TPU=nan"])
def test_resource_without_amount_is_a_usage_error(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would end in a traceback."""
    with pytest.raises(SystemExit):
        parsed("--resource", text)
    assert f"not NAME=AMOUNT: {text}" in capsys.readouterr().err


def test_constraint_of_another_form_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The search would be refused after the imports."""
    with pytest.raises(SystemExit, match="2"):
        parsed("--constraint", "size = 5")
    assert "Expected a constraint of the form METRIC <=" in capsys.readouterr().err


def test_no_argument_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """People would not learn what to write."""
    with pytest.raises(SystemExit) as raised:
        main([])
    assert raised.value.code == 2
    assert "usage: tuner-component" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tune m.py --train a --out b --num-paralel-trials=2", "--num-parallel-trials"),
        ("status b --jsn", "--json"),
        ("statsu b", "status"),
    ],
)
def test_misspelled_flag_gets_the_one_that_was_meant(
    written: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """People would read forty flags, or all commands, to find what they meant."""
    with pytest.raises(SystemExit, match="2"):
        main(written.split())
    assert f"Did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize("command", [[], ["tune"], ["best"], ["status"], ["report"]])
def test_help_says_what_to_write(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A percent sign in a help text would end in a stack trace."""
    with pytest.raises(SystemExit) as raised:
        main([*command, "--help"])
    assert raised.value.code == 0
    assert "usage: tuner-component" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no.py", "--train", "x.csv"], "no.py, and there is no such file"),
        (["tuner", "--train", "x.csv"], "MODULE to be a Python file or package"),
        (["m.py", "--train", "no.csv"], "no.csv, and there is no such file"),
        (["m.py", "--train", "x.csv", "x.tfrecord"], "Received: CSV and TFRecord"),
        (["m.py", "--train", "x.csv", "--schema", "no"], "no, and there is no such"),
        (["m.py", "--train", "x.csv", "--custom-config", "[1]"], "a JSON object"),
        (["m.py", "--train", "x.csv", "--", "units=8"], "flags of the module"),
        (["m.py", "--train", "x.csv", "--", "--n=\udcff"], "to be text in UTF-8"),
        (["m.py", "--train", "x.csv", "--out", "x.csv"], "x.csv, and that is a file"),
    ],
)
def test_bad_arguments_are_refused_at_once(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """TFX would be imported before a mistyped name is noticed."""
    monkeypatch.chdir(tmp_path)
    for name in ("m.py", "x.csv", "x.tfrecord"):
        (tmp_path / name).touch()
    assert main(["tune", "--out", "out", *arguments]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_cluster_without_ray_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """TFX would be imported, and the study opened, before anything is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("m.py", "x.csv"):
        (tmp_path / name).touch()
    command = ["tune", "m.py", "--train", "x.csv", "--out", "out", "--cluster", "auto"]
    assert main(command) == 2
    assert "pip install 'tfx-tuner-component[ray]'" in capsys.readouterr().err


def test_lines_of_the_search_are_plain_and_on_standard_output() -> None:
    """A person would read past a time, a process id and a line number each time."""
    code = (
        "import logging\n"
        "from tuner_component.cli import tune\n"
        "tune.quieten()\n"
        "logging.getLogger('tuner_component.executor').info('The study')\n"
        "logging.getLogger('absl').warning('of no use')\n"
        "logging.getLogger('absl').error('wrong')\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("The study\n", "wrong\n")


@pytest.mark.slow
def test_search_is_killed_and_goes_on(tmp_path: Path) -> None:
    """People without a pipeline would lose a search, or not get one."""
    for name, source in MODULES.items():
        (tmp_path / "searches").mkdir(exist_ok=True)
        (tmp_path / "searches" / name).write_text(textwrap.dedent(source))
    rows = [f"{i}.5,{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "data.csv").write_text("\n".join(["length,species", *rows]))
    barrier = tmp_path / "barrier"
    command = ["tune", "searches/user.py", "--train", "data.csv", "--out", "out"]
    command += ["--num-parallel-trials", "2"]
    command += ["--custom-config", json.dumps({"barrier": str(barrier)})]
    first = subprocess.Popen(
        [sys.executable, "-m", "tuner_component", *command],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert first.stdout is not None
    said = []
    for line in first.stdout:
        said.append(line)
        if sum(" completed (" in text for text in said) == 2:
            break
    else:
        pytest.fail("".join(said))
    first.send_signal(signal.SIGKILL)
    first.communicate()
    barrier.touch()
    status, out = programs.run(
        "tuner_component",
        *command,
        directory=tmp_path,
        imports=("tuner_component.cli.on_files",),
    )
    assert status == 0, out
    assert "2 trials are done." in out
    assert "4 of 4 trials completed, 0 failed." in out
    study = load_study(tmp_path / "out" / "results")
    assert [trial.status for trial in study.trials] == ["COMPLETED"] * 4
    assert 20 < (study.trials[0].score or 0) < 60  # Two thirds of the rows.
    assert (tmp_path / "out" / "results" / "report.html").exists()
    assert list((tmp_path / "out" / "studies").glob("*/tensorboard/0/events*"))
    best = tmp_path / "out" / "best_hyperparameters"
    assert [path.name for path in best.iterdir()] == ["best_hyperparameters.txt"]
