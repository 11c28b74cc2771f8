"""What makes a search the same search."""

from pathlib import Path
from typing import Any

import pytest
from tfx.utils import io_utils

from tests.conftest import Run
from tuner_component import Cluster, TuneArgs
from tuner_component.arguments import tune_args
from tuner_component.identity.parts import fingerprint_parts


def fingerprint(run: Run, args: TuneArgs | None = None) -> dict[str, str]:
    return {
        **fingerprint_parts(run.input_dict, run.exec_properties),
        **tune_args.fingerprint_parts(args or TuneArgs()),
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {key for key in before | after if before.get(key) != after.get(key)}


def test_same_content_elsewhere_is_the_same(toy_run: Run, tmp_path: Path) -> None:
    """A pipeline without cache writes the same examples to another place."""
    before = fingerprint(toy_run)
    (examples,) = toy_run.input_dict["examples"]
    io_utils.copy_dir(examples.uri, str(tmp_path / "copy"))
    examples.uri = str(tmp_path / "copy")
    assert fingerprint(toy_run) == before


@pytest.mark.parametrize("where", ["begin", "end", "new"])
def test_other_examples_are_another_search(
    toy_run: Run, tmp_path: Path, where: str
) -> None:
    """Scores on other data would count as scores on this."""
    (examples,) = toy_run.input_dict["examples"]
    io_utils.copy_dir(examples.uri, str(tmp_path / "copy"))
    examples.uri = str(tmp_path / "copy")
    before = fingerprint(toy_run)
    file = next((tmp_path / "copy" / "Split-train").iterdir())
    data = file.read_bytes()
    if where == "begin":
        file.write_bytes(b"x" + data[1:])
    elif where == "end":
        file.write_bytes(data[:-1] + b"x")
    else:
        file.with_name("another.gz").write_bytes(data)
    assert changed(before, fingerprint(toy_run)) == {"examples"}


def test_named_search_is_another_search(toy_run: Run) -> None:
    """Trials of one oracle would be taken for those of another."""
    before = fingerprint(toy_run)
    assert changed(before, fingerprint(toy_run, TuneArgs(search="tpe"))) == {"search"}


def test_other_goals_are_another_search(toy_run: Run) -> None:
    """Trials that were chosen for other goals would count as the search for these."""
    before = fingerprint(toy_run)
    assert changed(before, fingerprint(toy_run, TuneArgs(pareto=True))) == {"pareto"}
    bounds = fingerprint(toy_run, TuneArgs(constraints=["size <= 5e6", "loss < 1"]))
    assert changed(before, bounds) == {"constraints"}
    same = TuneArgs(constraints=["loss<1.0", "size <= 5000000", "loss < 1"])
    assert fingerprint(toy_run, same) == bounds


def test_edited_module_is_another_search(toy_run: Run) -> None:
    """Trials of the old code would count as trials of the new."""
    before = fingerprint(toy_run)
    path = Path(toy_run.exec_properties["module_file"])
    path.write_text(path.read_text() + "\n# changed\n")
    assert changed(before, fingerprint(toy_run)) == {"module"}


def test_edited_helper_is_another_search(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials in the old search space would count as trials in the new."""
    helpers = toy_run.root / "helpers"
    helpers.mkdir()
    (helpers / "my_space.py").write_text("WIDTHS = [8, 16]")
    monkeypatch.syspath_prepend(str(helpers))
    path = Path(toy_run.exec_properties["module_file"])
    path.write_text(f"from my_space import WIDTHS\n{path.read_text()}")
    before = fingerprint(toy_run)
    (helpers / "my_space.py").write_text("WIDTHS = [8, 32]")
    assert changed(before, fingerprint(toy_run)) == {"module my_space"}


@pytest.mark.parametrize("key", ["train_args", "eval_args", "custom_config"])
def test_changed_arguments_are_another_search(toy_run: Run, key: str) -> None:
    """Trials with other steps, splits or settings would be mixed."""
    before = fingerprint(toy_run)
    toy_run.exec_properties[key] = '{"num_steps": 7}'
    assert changed(before, fingerprint(toy_run)) == {key}


def test_flags_of_the_module_are_another_search(toy_run: Run) -> None:
    """Trials with a flag's default would count as trials with the value asked for."""
    toy_run.exec_properties["custom_config"] = '{"a": 1, "b": -1}'
    before = fingerprint(toy_run)
    toy_run.exec_properties["argv"] = ["m.py"]
    assert fingerprint(toy_run) == before
    toy_run.exec_properties["argv"] = ["m.py", "--a=1", "--b", "-1"]
    given = fingerprint(toy_run)
    assert changed(before, given) == {"flags"}
    toy_run.exec_properties["argv"] = ["m.py", "--b=-1", "--a", "1"]
    assert fingerprint(toy_run) == given


def test_module_by_its_python_path(run: Run) -> None:
    """The source of an importable module counts as that of a file does."""
    run.exec_properties["tuner_fn"] = "tests.support.crashing_pipeline.tuner_fn"
    before = fingerprint(run)
    run.exec_properties["tuner_fn"] = "tests.conftest.tuner_fn"
    assert "module" in changed(before, fingerprint(run))


def test_module_in_a_package_counts_and_the_package_is_not_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that raises would end the pipeline's process in its own traceback."""
    package = tmp_path / "package_of_parts" / "inner"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("raise SystemExit('this was run')\n")
    (package / "tune.py").write_text("one = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    run.exec_properties["tuner_fn"] = "package_of_parts.inner.tune.tuner_fn"
    before = fingerprint(run)
    (package / "tune.py").write_text("one = 2\n")
    assert changed(before, fingerprint(run)) == {"module"}


def test_wheel_counts_by_its_name(run: Run) -> None:
    """Its name has a hash of the sources; its path differs from root to root."""
    run.exec_properties["module_path"] = "m@/root1/_wheels/m-0.0+abc.whl"
    before = fingerprint(run)
    run.exec_properties["module_path"] = "m@/root2/_wheels/m-0.0+abc.whl"
    assert fingerprint(run) == before
    run.exec_properties["module_path"] = "m@/root2/_wheels/m-0.0+def.whl"
    assert changed(before, fingerprint(run)) == {"module"}


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        ({"seed": 3}, {"seed"}),
        ({"num_parallel_trials": 4, "max_retries": 1}, set()),
        ({"time_budget_seconds": 10, "study_dir": "/s"}, set()),
        ({"confirm_top": 3, "confirm_seeds": 5}, set()),
        ({"num_parallel_trials": 64, "cluster": Cluster(address="auto")}, set()),
    ],
)
def test_how_to_run_is_no_part_but_the_seed_is(
    toy_run: Run, args: dict[str, Any], parts: set[str]
) -> None:
    """More workers, more time, or a cluster (and back) would start a new search."""
    before = fingerprint(toy_run)
    assert changed(before, fingerprint(toy_run, TuneArgs(**args))) == parts
