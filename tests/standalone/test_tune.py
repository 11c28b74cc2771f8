"""A search from a script: started, stopped, gone on with, and read."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

import tuner_component
from tests.standalone.conftest import PRINTED, TOY, Script

IN_PROCESS = f"{TOY}result = search()\n{PRINTED}"
IN_WORKER = f"{TOY}result = search(num_parallel_trials=1)\n{PRINTED}"


class Toy(keras_tuner.Tuner):
    """Counts its trials."""

    ran = 0

    def run_trial(self, trial: Any, offset: float = 0.0) -> Any:
        type(self).ran += 1
        return (trial.hyperparameters.Float("x", -1.0, 1.0) - 0.25) ** 2 + offset


def toy() -> Any:
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=3, seed=7)
    return Toy(oracle, directory="own", project_name="toy", overwrite=True)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    Toy.ran = 0
    return tmp_path


def test_functions_of_a_script_search_in_workers(script: Script) -> None:
    """Nobody without a pipeline could use any of this, or would wait for TFX."""
    found = script.result(IN_WORKER)
    assert len(found["trials"]) == 5
    scores = [score for _, score, _ in found["trials"]]
    assert scores == sorted(scores)
    assert found["best"] == found["trials"][0][2]
    assert found["study"] == "finished"
    assert found["tfx"] is False
    assert f"objective {scores[0]:.6g}, by trial " in found["repr"]
    # In process they are the same, and a comment makes it no other search.
    assert script.result(f"# Mine.\n{IN_PROCESS}")["trials"] == found["trials"]
    assert script.ran == list("01234")


def test_killed_search_goes_on(script: Script) -> None:
    """A script that dies would lose what its trials found."""
    dying = IN_PROCESS.replace(
        "        x = trial",
        "        if trial.trial_id == '2': die()\n        x = trial",
    )
    # Not defined by the script, so that it changes nothing that counts.
    dying = f"import builtins, os\nbuiltins.die = lambda: os._exit(9)\n{dying}"
    assert script.start(dying).wait() == 9
    found = script.result(dying.replace("lambda: os._exit(9)", "lambda: None"))
    assert len(found["trials"]) == 5
    assert script.ran == list("012234")


def test_finished_search_is_read_and_not_run_again() -> None:
    """A notebook's cell that runs again would take the night again."""
    first = tuner_component.tune(toy, directory="out")
    again = tuner_component.tune(toy, directory="out")
    assert (first.trials, Toy.ran) == (again.trials, 3)
    assert f"Report: {again.report}" in again._repr_html_()  # In a notebook.
    assert first.study.study_id == again.study.study_id


def test_finished_search_goes_on_for_more_trials(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who wants more trials would pay for the first ones again."""
    first = tuner_component.tune(toy, directory="out")
    more = tuner_component.tune(toy, directory="out", max_trials=5)
    assert more.study.study_id == first.study.study_id
    assert (len(more.trials), Toy.ran, more.study.max_trials) == (5, 5, 5)
    assert {t.trial_id for t in first.trials} <= {t.trial_id for t in more.trials}
    assert "is extended to 5 trials; there are 3 by now" in capsys.readouterr().out
    (told,) = more.study.extensions
    assert (told.before, told.after, told.trials) == (3, 5, 3)
    # Without it, all that there is stays, and nothing runs.
    assert len(tuner_component.tune(toy, directory="out").trials) == 5
    assert Toy.ran == 5


@pytest.mark.parametrize("source", [IN_PROCESS, IN_WORKER])
def test_a_tuner_that_wants_more_gets_more(
    script: Script, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number of trials from a variable or a file would count once, and never again."""
    limit = "max_trials=int(os.environ['LIMIT'])"
    source = source.replace("max_trials=5", limit)
    for wanted, expected in ((5, 5), (7, 7), (6, 7)):
        monkeypatch.setenv("LIMIT", str(wanted))
        assert len(script.result(source)["trials"]) == expected
        assert script.ran == [str(number) for number in range(expected)]
    assert not list(script.directory.glob("out/studies/*/scratch"))


def test_other_data_is_another_search(capsys: pytest.CaptureFixture[str]) -> None:
    """Scores on older data would count as scores on these."""
    tuner_component.tune(toy, {"offset": 1.0}, directory="out")
    result = tuner_component.tune(toy, {"offset": 2.0}, directory="out")
    assert min(trial.score for trial in result.trials) >= 2
    assert Toy.ran == 6
    told = capsys.readouterr().out
    assert re.search(r"This is a new study: .* changed: value fit_kwargs", told)


def test_own_directory_of_the_tuner_is_left_alone(here: Path) -> None:
    """`overwrite=True` would delete what is there; or each search leave a directory."""
    tuner_component.tune(toy, directory="out")
    assert not (here / "own" / "toy").exists()
    mine = here / "own" / "toy" / "mine"
    mine.parent.mkdir(parents=True)
    mine.touch()
    tuner_component.tune(toy, directory="elsewhere")
    assert [path.name for path in mine.parent.iterdir()] == ["mine"]


def test_named_search_takes_the_tuners_place() -> None:
    """The arguments of TuneArgs would be taken and ignored."""
    result = tuner_component.tune(toy, directory="out", search="tpe")
    assert result.study.fingerprint["search"] == "tpe"
    assert "OptunaOracle" in type(result.tuner.oracle).__name__


def test_what_tuner_fn_returns_is_taken_as_well() -> None:
    """A module of a pipeline could not be tried in a notebook."""

    def made() -> Any:
        return types.SimpleNamespace(tuner=toy(), fit_kwargs={"offset": 1.0})

    result = tuner_component.tune(made, directory="out")
    assert min(trial.score for trial in result.trials) >= 1
    with pytest.raises(TypeError, match="either beside make_tuner or in what it"):
        tuner_component.tune(made, {"offset": 2.0}, directory="out")


def test_nothing_returned_is_said() -> None:
    """A newcomer would get an error from deep below."""
    with pytest.raises(TypeError, match=r"make_tuner to return a Ker.*None.*missing"):
        tuner_component.tune(lambda: toy() and None, directory="out")


def test_a_tuner_in_place_of_a_function_is_said(here: Path) -> None:
    """The error would be one of Python's, from a process of the search."""
    tuner: Any = toy()
    with pytest.raises(
        TypeError, match="Expected make_tuner to be a function.*type Toy"
    ):
        tuner_component.tune(tuner, directory="out", num_parallel_trials=1)
    assert not (here / "out").exists()


def test_what_cannot_be_sent_is_said_before_a_worker_starts() -> None:
    """The error would be one of pickle's, from a process of the search."""
    lock = {"offset": (item for item in [])}
    with pytest.raises(TypeError, match="use only what can be sent to another process"):
        tuner_component.tune(toy, lock, directory="out", num_parallel_trials=1)


def test_what_cannot_be_sent_is_used_in_process() -> None:
    """A dataset that no one can pickle would not do without workers, either."""

    class Number(float):
        def __reduce__(self) -> Any:
            raise TypeError

    result = tuner_component.tune(toy, {"offset": Number(1)}, directory="out")
    assert len(result.trials) == 3


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"num_paralel_trials": 2}, TypeError, "among directory, num_parallel_trials"),
        ({"num_paralel_trials": 2}, TypeError, r"Did you mean num_parallel_trials\?"),
        ({"num_parallel_trials": "two"}, TypeError, "to be of their types"),
        ({"max_retries": -1}, ValueError, "^Expected max_retries to be 0"),
        ({"search": "tp"}, ValueError, "with the tuner's own oracle"),
        (
            {"num_parallel_trials": -1},
            ValueError,
            "num_parallel_trials to be 1 or more",
        ),
        ({"search": "bohb"}, ValueError, "search to be one of auto"),
    ],
)
def test_wrong_argument_is_refused_at_once(
    how: dict[str, Any], error: type[Exception], message: str, here: Path
) -> None:
    """It would be found out after the data was loaded, or never."""
    with pytest.raises(error, match=message):
        tuner_component.tune(toy, directory="out", **how)
    assert list(here.iterdir()) == []


def test_source_that_cannot_be_read_is_no_obstacle() -> None:
    """A function that was typed at a prompt could not make a tuner."""
    names: dict[str, Any] = {"toy": toy}
    exec("def made():\n    return toy()", names)  # noqa: S102
    made: Callable[[], Any] = names["made"]
    assert len(tuner_component.tune(made, directory="out").trials) == 3


# Its third trial stops the script, as Ctrl-C twice does: without waiting for the trial.
STOPPING = TOY.replace(
    "        x = trial",
    """        if trial.trial_id == "2":
            for _ in range(2):
                os.kill(int(os.environ["SCRIPT"]), signal.SIGINT)
            signal.pause()
        x = trial""",
)
STOPPED = f"""import os
import signal
os.environ.setdefault("SCRIPT", str(os.getpid()))
{STOPPING}
search(num_parallel_trials=1, skip_preflight=True)
"""


def test_ctrl_c_shows_what_is_kept_and_little_else(script: Script) -> None:
    """The inside of this package would be shown to who only stopped a search."""
    process = script.start(STOPPED)
    errors = process.communicate()[1]
    assert process.returncode == 1
    _, _, traceback = errors.rpartition("Traceback (most recent call last):")
    frames = [line for line in traceback.splitlines() if line.startswith("  File")]
    assert len(frames) == 3, errors  # The script's line, its function, and `tune`.
    assert "SearchStoppedError: Expected the search to run to its end" in traceback
    assert "2 trials have completed" in traceback
