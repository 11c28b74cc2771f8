"""Optuna's samplers behind KerasTuner's interface; see the conformance suite as well."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import keras_tuner
import optuna
import pytest

from tests.support import simulation, stopped_search
from tuner_component.oracles import OptunaOracle, OptunaSearch
from tuner_component.search.options import StoppingOptions
from tuner_component.search.oracle.durable import DurableOracle
from tuner_component.search.study.study import Study


def make(sampler: Any = "tpe", trials: int = 30, **kwargs: Any) -> OptunaOracle:
    hp = kwargs.pop("hyperparameters", None) or simulation.space(dimensions=3)
    return OptunaOracle(
        simulation.OBJECTIVE, trials, sampler, seed=4, hyperparameters=hp, **kwargs
    )


def search(
    directory: Path, oracle: OptunaOracle, fails: Any = None, trials: int = 99
) -> list[dict[str, Any]]:
    """Runs trials and returns their values; `fails` says of values whether they do."""
    with Study.open(str(directory), simulation.FINGERPRINT) as study:
        durable = DurableOracle.open(oracle, study, max_failed_trials=99)
        found = []
        for _ in range(trials):
            trial = durable.create_trial("worker")
            if trial.status != "RUNNING":
                break
            values = dict(trial.hyperparameters.values)
            found.append(values)
            if fails is not None and fails(values):
                durable.fail_trial(trial.trial_id, "it failed")
            else:
                simulation.run_trial(durable, trial)
        return found


@pytest.mark.parametrize("sampler", ["bohb", None, 3])
def test_what_is_no_sampler_is_refused(sampler: Any) -> None:
    """The search would fail at its first suggestion, in another process."""
    with pytest.raises(ValueError, match="sampler to be one of tpe, gp, cmaes"):
        make(sampler)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user would see an import fail somewhere inside of Optuna."""
    real = builtins.__import__

    def fail(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", fail)
    with pytest.raises(ImportError, match="package 'torch' for the sampler"):
        make("gp")


def test_a_sampler_of_optunas_is_used_as_it_is(tmp_path: Path) -> None:
    """Only what we have a name for could be used."""
    seen: list[int] = []

    class Mine(optuna.samplers.RandomSampler):  # type: ignore[misc]
        def sample_independent(self, study: Any, trial: Any, *args: Any) -> Any:
            seen.append(len(study.get_trials(deepcopy=False)))
            return super().sample_independent(study, trial, *args)

    assert len(search(tmp_path, make(Mine(seed=1), trials=5))) == 5
    assert max(seen) == 5


def test_places_where_trials_fail_are_avoided(tmp_path: Path) -> None:
    """Optuna ignores failed trials: it would go on failing where it seems best."""

    def share(fails_at: Any) -> float:
        directory = tmp_path / str(fails_at is None)
        found = search(directory, make(trials=60), fails_at)[20:]
        return sum(values["rate"] < 0.01 for values in found) / len(found)

    assert share(lambda values: values["rate"] < 0.01) < 0.5 < share(None)


def test_a_resumed_search_suggests_what_it_would_have(tmp_path: Path) -> None:
    """A crash would change what is found, or repeat points."""
    whole = search(tmp_path / "whole", make(trials=20))
    parts: list[dict[str, Any]] = []
    while len(parts) < 20:
        parts += search(tmp_path / "parts", make(trials=20), trials=3)
    assert parts == whole


@pytest.mark.parametrize("sampler", ["cmaes", "qmc"])
def test_a_resumed_search_repeats_no_point(tmp_path: Path, sampler: str) -> None:
    """A sampler whose own state was lost would begin with the points it began with."""
    found: list[dict[str, Any]] = []
    while len(found) < 24:
        found += search(tmp_path, make(sampler, trials=24), trials=6)
    assert len({repr(values) for values in found}) == 24


ASHA = StoppingOptions("asha")


def late(values: dict[str, Any]) -> list[float]:
    """A curve that is the worse at first the better it becomes."""
    return [5.0 + values["late"], 5.0 + values["late"], 5.0 - values["late"]]


def of_twelve_points(sampler: Any = "tpe", trials: int = 99) -> OptunaOracle:
    space = keras_tuner.HyperParameters()
    space.Int("late", 0, 11)
    return make(sampler, trials, hyperparameters=space)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_no_space_is_exhausted_while_a_stopped_point_could_be_best(
    tmp_path: Path, sampler: str
) -> None:
    """What starts slowly would never be found, however small the space is."""
    found = stopped_search.search(tmp_path, of_twelve_points(sampler), ASHA, late)
    trained = {values["late"]: epochs for values, epochs in found}
    assert trained == dict.fromkeys(range(12), 3)
    first = found[:12]
    assert {values["late"] for values, _ in first} == set(range(12))
    assert len(found) == 12 + sum(epochs < 3 for _, epochs in first)


def test_a_point_whose_trial_runs_is_waited_for(tmp_path: Path) -> None:
    """The search would end although that trial may be stopped, and be tried again."""
    with Study.open(str(tmp_path), simulation.FINGERPRINT) as study:
        oracle = of_twelve_points()
        oracle.tune_new_entries = False
        durable = DurableOracle.open(oracle, study)
        trials = [durable.create_trial(f"worker {n}") for n in range(13)]
        assert [trial.status for trial in trials] == ["RUNNING"] * 12 + ["IDLE"]
        for trial in trials[:12]:
            durable.update_trial(trial.trial_id, {"score": 1.0})
            trial.status = "COMPLETED"
            durable.end_trial(trial)
        assert durable.create_trial("worker").status == "STOPPED"


def test_a_stopped_trial_is_no_result_for_the_sampler(tmp_path: Path) -> None:
    """Its best epoch so far would count like what others came to in the end."""
    seen: list[Any] = []

    class Mine(optuna.samplers.RandomSampler):  # type: ignore[misc]
        def sample_independent(self, study: Any, trial: Any, *args: Any) -> Any:
            seen[:] = study.get_trials(deepcopy=True)
            return super().sample_independent(study, trial, *args)

    oracle = of_twelve_points(Mine(seed=1), 6)
    found = stopped_search.search(tmp_path, oracle, ASHA, late)
    told = [
        (trial.state.name, trial.value, trial.intermediate_values) for trial in seen
    ]
    ended = [trial for trial in told if trial[0] in ("COMPLETE", "PRUNED")]
    expected: list[Any] = []
    for values, epochs in found[: len(ended)]:
        score = min(late(values)[:epochs])
        whole = ("COMPLETE", score, {})
        expected.append(whole if epochs == 3 else ("PRUNED", score, {epochs: score}))
    assert ended == expected
    assert {state for state, *_ in ended} == {"COMPLETE", "PRUNED"}


def test_patience_stops_trials_that_are_results(tmp_path: Path) -> None:
    """Trials that no longer improve would be tried again."""
    patience = StoppingOptions("patience", patience=1)
    found = stopped_search.search(
        tmp_path,
        of_twelve_points(),
        patience,
        lambda values: [float(n) for n in range(9)],
    )
    assert len(found) == 12
    assert max(epochs for _, epochs in found) < 9


@pytest.mark.parametrize("sampler", ["tpe", "cmaes"])
def test_a_resumed_search_knows_which_trials_were_stopped(
    tmp_path: Path, sampler: str
) -> None:
    """After a crash their values would be taken for results, their points for tried."""
    whole = stopped_search.search(
        tmp_path / "whole", of_twelve_points(sampler), ASHA, late
    )
    parts: list[Any] = []
    while more := stopped_search.search(
        tmp_path / "parts", of_twelve_points(sampler), ASHA, late, trials=4
    ):
        parts += more
    if sampler == "tpe":  # The other one starts again from its best trials.
        assert parts == whole
    assert {v["late"]: epochs for v, epochs in parts} == dict.fromkeys(range(12), 3)


def test_optuna_says_nothing(tmp_path: Path, capfd: Any) -> None:
    """The log would be full of a study that the user does not know."""
    search(tmp_path, make(trials=12))
    assert "A new study" not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_the_tuner_reads_like_keras_tuners(tmp_path: Path) -> None:
    """Users would have to write a tuner around the oracle."""
    from tests.support.keras_trials import DATA, build

    tuner = OptunaSearch(
        build, objective="val_loss", max_trials=2, seed=1, directory=tmp_path
    )
    tuner.search(**DATA, epochs=1)
    assert isinstance(tuner, keras_tuner.Tuner)
    assert len(tuner.get_best_hyperparameters(5)) == 2
