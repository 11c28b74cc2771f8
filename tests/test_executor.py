"""The executor: every kind of tuner in, both artifacts out, or a clear error."""

import contextlib
import json
import math
import os
import sys
import textwrap
from unittest import mock

import pytest

from tests.conftest import TOY_MODULE, Run
from tests.support.reports import data_of, sentences_of
from tuner_component import (
    load_best_hyperparameters,
    load_study,
    load_tuner_results,
)
from tuner_component.pipeline.user_module import UserModuleError
from tuner_component.search.errors import SearchFailedError


def assert_nothing_published(run: Run) -> None:
    for directory in (run.best_hyperparameters_dir, run.tuner_results_dir):
        assert not directory.exists() or not list(directory.iterdir())


def toy(body: str, oracle: str = "RandomSearchOracle(max_trials=5, seed=7)") -> str:
    """A module whose trials run `body` (with hp, trial and self at hand)."""
    return f"""
import math
import keras_tuner
import numpy as np
from tuner_component import TunerFnResult

SPACE = keras_tuner.HyperParameters()
SPACE.Int("a", 1, 3)
SPACE.Boolean("b")

class Toy(keras_tuner.Tuner):
    def run_trial(self, trial, **kwargs):
        hp = trial.hyperparameters
        {body}

def tuner_fn(fn_args):
    oracle = keras_tuner.oracles.{oracle}
    tuner = Toy(oracle, directory=fn_args.working_dir, project_name="toy")
    return TunerFnResult(tuner=tuner, fit_kwargs={{}})
"""


def test_publishes_the_best_hyperparameters(toy_run: Run) -> None:
    """The Trainer would train with something else than the best."""
    toy_run()
    best = load_best_hyperparameters(toy_run.best_hyperparameters_dir)
    first, *others = load_tuner_results(toy_run.tuner_results_dir)
    assert best.values == first.hyperparameters
    assert all(first.score <= trial.score for trial in others)


def test_best_hyperparameters_stand_alone_in_their_artifact(toy_run: Run) -> None:
    """The Trainer takes the only file of that directory, whatever it is."""
    toy_run()
    (file,) = toy_run.best_hyperparameters_dir.iterdir()
    assert file.name == "best_hyperparameters.txt"


def test_record_and_report_stand_beside_the_results(toy_run: Run) -> None:
    """People would have to look into the study to see what happened."""
    toy_run()
    names = sorted(path.name for path in toy_run.tuner_results_dir.iterdir())
    assert names == ["report.html", "study.json", "tuner_results.json"]
    study = load_study(toy_run.tuner_results_dir)
    assert study.status == "finished"
    assert {trial.status for trial in study.trials} == {"COMPLETED"}
    assert all(trial.seed is not None for trial in study.trials)
    best = load_tuner_results(toy_run.tuner_results_dir)[0]
    assert study.best is not None and study.best.trial_id == best.trial_id
    report = (toy_run.tuner_results_dir / "report.html").read_text()
    assert f"Trial {best.trial_id} is the best of" in sentences_of(report)


def test_artifacts_say_what_was_found(toy_run: Run) -> None:
    """ML Metadata could not be asked for the best search."""
    toy_run()
    best = load_tuner_results(toy_run.tuner_results_dir)[0]
    study = load_study(toy_run.tuner_results_dir)
    for key in ("best_hyperparameters", "tuner_results"):
        (artifact,) = toy_run.output_dict[key]
        get = artifact.get_custom_property
        assert get("objective") == "default_objective"
        assert get("direction") == "min"
        assert get("best_score") == pytest.approx(best.score)
        assert get("best_trial") == best.trial_id
        assert (get("completed_trials"), get("failed_trials")) == (5, 0)
        assert get("study") == study.study_id


def test_search_that_is_named_takes_the_tuners_place(toy_run: Run) -> None:
    """The module's own oracle would search on."""
    toy_run.exec_properties["tune_args"] = '{"search": "qmc"}'
    toy_run()
    study = load_study(toy_run.tuner_results_dir)
    assert study.oracle == "tuner_component.oracles.optuna_oracle.OptunaOracle"
    assert len(study.trials) == 5


def test_results_are_published_without_a_report(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in a plot would throw the result of a search away."""
    monkeypatch.delattr("tuner_component.report.page.render")
    toy_run()
    assert len(load_tuner_results(toy_run.tuner_results_dir)) == 5
    assert load_study(toy_run.tuner_results_dir).best is not None


def test_results_are_published_without_the_tuners_summary(run: Run) -> None:
    """A print at the very end would throw the result of a search away."""
    source = textwrap.dedent(TOY_MODULE).replace(
        "    def run_trial",
        "    def results_summary(self):\n        1 / 0\n\n    def run_trial",
    )
    run.module(source)()
    assert len(load_tuner_results(run.tuner_results_dir)) == 5


def test_tensorboard_has_every_trial(toy_run: Run) -> None:
    """A search could be watched in workers only."""
    toy_run()
    (directory,) = toy_run.root.glob("**/studies/*/tensorboard")
    assert len([path for path in directory.iterdir() if path.is_dir()]) == 5


def test_tuner_results_have_the_columns_of_stock(toy_run: Run) -> None:
    """Notebooks that read stock's file would break."""
    toy_run()
    rows = json.loads((toy_run.tuner_results_dir / "tuner_results.json").read_text())
    assert [set(row) for row in rows] == [{"trial_id", "score", "x"}] * 5
    assert rows == sorted(rows, key=lambda row: row["score"])


@pytest.mark.parametrize(
    "result",
    [
        "return hp.Float('x', 0.0, 1.0)",
        "return {'default_objective': hp.Float('x', 0.0, 1.0)}",
        "return [hp.Float('x', 0.0, 1.0), 2.0]",
        "return np.float32(hp.Float('x', 0.0, 1.0))",
    ],
)
def test_run_trial_may_return_any_supported_result(run: Run, result: str) -> None:
    """Custom tuners that work with KerasTuner would not work here."""
    run.module(toy(result))()
    assert len(load_tuner_results(run.tuner_results_dir)) == 5


@pytest.mark.parametrize(
    ("oracle", "trials"),
    [
        ("BayesianOptimizationOracle(max_trials=4, num_initial_points=2, seed=1)", 4),
        ("HyperbandOracle(max_epochs=3, seed=1, hyperparameters=SPACE)", 6),
        ("GridSearchOracle(seed=1)", 6),
        ("GridSearchOracle(max_trials=4, seed=1)", 4),
    ],
)
def test_every_oracle_publishes(run: Run, oracle: str, trials: int) -> None:
    """Stock raises for oracles without max_trials after hours of search."""
    body = "return hp.Int('a', 1, 3) + float(hp.Boolean('b'))"
    run.module(toy(body, oracle))()
    assert len(load_tuner_results(run.tuner_results_dir)) == trials


def test_maximized_objective_publishes_the_largest(run: Run) -> None:
    """The worst trial would be published as the best."""
    oracle = (
        "RandomSearchOracle(keras_tuner.Objective('acc', 'max'), max_trials=5, seed=3)"
    )
    run.module(toy("return {'acc': hp.Float('x', 0.0, 1.0)}", oracle))()
    scores = [trial.score for trial in load_tuner_results(run.tuner_results_dir)]
    assert scores == sorted(scores, reverse=True)


def test_missing_payload_format_is_told_once(
    toy_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """TFX's warning would be there five times, and hide what else there is to read."""
    (examples,) = toy_run.input_dict["examples"]
    before = str(examples)
    with caplog.at_level("WARNING", "absl"):
        toy_run()
    warnings = [text for text in caplog.messages if "payload_format" in text]
    assert len(warnings) == 1
    assert str(examples) == before


def test_sklearn_tuner(run: Run) -> None:
    """Tuners of models outside Keras would not work."""
    run.module("""
        import keras_tuner
        import numpy as np
        from sklearn import linear_model
        from tuner_component import TunerFnResult

        def build(hp):
            return linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 10, sampling="log"))

        def tuner_fn(fn_args):
            tuner = keras_tuner.SklearnTuner(
                keras_tuner.oracles.BayesianOptimizationOracle(
                    keras_tuner.Objective("score", "max"), max_trials=3, seed=1),
                build, directory=fn_args.working_dir, project_name="sklearn")
            x = np.random.default_rng(0).normal(size=(50, 3))
            return TunerFnResult(tuner, {"X": x, "y": x @ [1.0, 2.0, 3.0]})
    """)()
    assert len(load_tuner_results(run.tuner_results_dir)) == 3


def test_hypermodel_with_its_own_fit_and_base_model(run: Run) -> None:
    """HyperModel.fit, custom_config and base_model would not reach the user."""
    from tfx.types import standard_artifacts

    model = standard_artifacts.Model()
    model.uri = "/models/base"
    run.input_dict["base_model"] = [model]
    run.exec_properties["custom_config"] = '{"epochs": 2}'
    run.module("""
        import keras
        import keras_tuner
        import numpy as np
        from tuner_component import TunerFnResult

        class Hyper(keras_tuner.HyperModel):
            def build(self, hp):
                model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
                model.compile(keras.optimizers.SGD(hp.Choice("lr", [0.1, 0.01])), "mse")
                return model

            def fit(self, hp, model, x, y, **kwargs):
                return model.fit(x, y, batch_size=hp.Choice("batch", [4, 8]), **kwargs)

        def tuner_fn(fn_args):
            assert fn_args.base_model.startswith("/models/base")
            tuner = keras_tuner.GridSearch(Hyper(), objective="loss", max_trials=2,
                directory=fn_args.working_dir, project_name="fit")
            x = np.ones((8, 2))
            return TunerFnResult(tuner, {"x": x, "y": x[:, :1], "verbose": 0,
                                         "epochs": fn_args.custom_config["epochs"]})
    """)()
    assert {"lr", "batch"} == set(
        load_best_hyperparameters(run.best_hyperparameters_dir).values
    )


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
def test_non_finite_scores_are_failures(run: Run, bad: str) -> None:
    """A diverged trial would be published as the best one."""
    oracle = (
        "RandomSearchOracle(keras_tuner.Objective('m', 'max'), max_trials=4, seed=1)"
    )
    body = f"x = hp.Float('x', 0, 1); return {{'m': x if trial.trial_id != '1' else float({bad!r})}}"
    run.module(toy(body, oracle))()
    results = load_tuner_results(run.tuner_results_dir)
    assert sorted(trial.trial_id for trial in results) == ["0", "2", "3"]
    assert all(math.isfinite(trial.score) for trial in results)


def test_one_failing_trial_does_not_end_the_search(run: Run) -> None:
    """An unlucky combination would cost all others."""
    body = "return hp.Float('x', 0, 1) if trial.trial_id != '1' else 1 / 0"
    run.module(toy(body))()
    assert len(load_tuner_results(run.tuner_results_dir)) == 4


def test_all_trials_failing_is_an_error_with_the_first_traceback(run: Run) -> None:
    """A failed trial's hyperparameters would be published as the best."""
    body = "hp.Float('x', 0, 1); raise OSError('disk of trial ' + trial.trial_id)"
    with pytest.raises(SearchFailedError, match=r"disk of trial 0"):
        run.module(toy(body))()
    assert_nothing_published(run)


def test_all_trials_not_finite_is_an_error(run: Run) -> None:
    """The message would lack a reason: nothing was raised."""
    with pytest.raises(SearchFailedError, match=r"Expected a finite score.*nan"):
        run.module(toy("hp.Float('x', 0, 1); return math.nan"))()
    assert_nothing_published(run)


def test_objective_that_is_never_reported_ends_the_first_trial(run: Run) -> None:
    """Three trials would be trained to end in a bare KeyError."""
    with pytest.raises(Exception, match=r"objective 'val_auc'.*Received: \['loss'\]"):
        run.module("""
            import keras
            import keras_tuner
            import numpy as np
            from tuner_component import TunerFnResult

            def build(hp):
                model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
                model.compile(keras.optimizers.SGD(hp.Choice("lr", [0.1, 0.01])), "mse")
                return model

            def tuner_fn(fn_args):
                tuner = keras_tuner.RandomSearch(build,
                    objective=keras_tuner.Objective("val_auc", "max"), max_trials=2,
                    directory=fn_args.working_dir, project_name="objective")
                x = np.ones((4, 1))
                return TunerFnResult(tuner, {"x": x, "y": x, "verbose": 0})
        """)()
    assert_nothing_published(run)


def test_module_without_tuner_fn(run: Run) -> None:
    """A bare AttributeError would not say what to define."""
    with pytest.raises(UserModuleError, match=r"define def tuner_fn.*Received: a mod"):
        run.module("def tuner(fn_args): ...")()


def test_module_that_does_not_import(run: Run) -> None:
    """The line of the user's file would be lost beneath TFX's frames."""
    with pytest.raises(UserModuleError) as info:
        run.module("import math\n\nmath.no_such_function(1)")()
    message = str(info.value)
    assert 'user_module.py", line 3' in message
    assert "no_such_function" in message
    assert "import_utils.py" not in message


@pytest.mark.parametrize("source", ["def tuner(fn_args): ...", "import no_such_module"])
def test_module_that_cannot_be_used_leaves_no_study(run: Run, source: str) -> None:
    """`list` would show a search that never was, and `OUT` its results."""
    before = set(run.root.rglob("*"))
    with pytest.raises(UserModuleError):
        run.module(source)()
    left = {path.name for path in run.root.rglob("*")} - {path.name for path in before}
    assert not left & {"studies", "study.json", "journal"}, left


def test_module_that_opens_a_missing_file(run: Run) -> None:
    """TFX takes every OSError for a missing module file."""
    with pytest.raises(UserModuleError, match=r"No such file.*vocabulary.txt"):
        run.module("open('/nonexistent/vocabulary.txt')")()


def test_arguments_may_be_any_mapping(run: Run) -> None:
    """A module that the stock Tuner runs would be refused."""
    source = TOY_MODULE.replace('{"offset": 1.0}', "MappingProxyType({'offset': 1.0})")
    run.module(f"    from types import MappingProxyType{source}")()
    assert load_tuner_results(run.tuner_results_dir)


@pytest.mark.parametrize(
    "source",
    ["import sys; sys.exit(0)", "import sys\ndef tuner_fn(fn_args): sys.exit(0)"],
)
def test_module_that_exits_is_an_error(run: Run, source: str) -> None:
    """The pipeline would end as if all of it had been done, and nothing is published."""
    with pytest.raises(UserModuleError, match=r"Received: SystemExit\(0\)"):
        run.module(source)()
    assert_nothing_published(run)


def test_module_with_a_syntax_error(run: Run) -> None:
    """The user must see the line that Python could not read."""
    with pytest.raises(UserModuleError) as info:
        run.module("def tuner_fn(fn_args:\n    return 1")()
    message = str(info.value)
    assert 'user_module.py", line 1' in message
    assert "SyntaxError" in message
    assert "import_utils.py" not in message


def test_tuner_fn_that_raises(run: Run) -> None:
    """The user's own traceback must be in the message: logs show only that."""
    with pytest.raises(UserModuleError, match=r"line 3, in tuner_fn\n(?:.*\n)+.*'key'"):
        run.module("\ndef tuner_fn(fn_args):\n    return {}['key']")()


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("None", r"return a TunerFnResult.*Received: None.*return statement missing"),
        ("42", r"return a TunerFnResult.*Received: 42 of type int"),
        ("TunerFnResult('x', {})", r"BaseTuner. Received: 'x' of type str"),
        ("TunerFnResult(object, {})", r"BaseTuner. Received: <class 'object'>"),
    ],
)
def test_tuner_fn_that_returns_something_else(
    run: Run, returned: str, message: str
) -> None:
    """Stock fails with an AttributeError on NoneType."""
    with pytest.raises(TypeError, match=message):
        run.module(
            "from tuner_component import TunerFnResult\n"
            f"def tuner_fn(fn_args):\n    return {returned}"
        )()


def test_fit_kwargs_that_is_no_dictionary(run: Run) -> None:
    """Stock fails on ** with a TypeError that does not name fit_kwargs."""
    source = TOY_MODULE.replace('{"offset": 1.0}', "[1.0]")
    with pytest.raises(TypeError, match=r"fit_kwargs to be a dict.*Received: \[1.0\]"):
        run.module(source)()


def test_artifact_that_cannot_be_written_leaves_none(toy_run: Run) -> None:
    """Half of a pair of artifacts would look like a result."""
    in_the_way = toy_run.best_hyperparameters_dir / "best_hyperparameters.txt"
    in_the_way.mkdir(parents=True)
    with pytest.raises(Exception, match=r"irectory"):
        toy_run()
    assert not list(toy_run.tuner_results_dir.iterdir())


def test_interrupted_search_goes_on(run: Run) -> None:
    """A crash at trial 80 would lose 80 trials."""
    log = run.root / "trials.txt"
    body = (
        f"open({str(log)!r}, 'a').write(trial.trial_id + ' ')"
        "; x = hp.Float('x', 0, 1)"
        "; crash = trial.trial_id == '3' and not os.path.exists('{0}.once')"
        "; crash and open('{0}.once', 'w').close()"
        "; assert not crash or sys.exit('killed'); return x"
    ).replace("{0}", str(log))
    run.module("import os, sys\n" + toy(body))
    with pytest.raises(SystemExit):
        run()
    assert_nothing_published(run)
    run()
    assert log.read_text().split() == ["0", "1", "2", "3", "3", "4"]
    assert len(load_tuner_results(run.tuner_results_dir)) == 5


ALONE = """
import json, os, sys
from pathlib import Path

def tuner_fn(fn_args):
    # As a cache of tf.data, which fails if another process has left its lock.
    Path(fn_args.working_dir, "cache.lockfile").touch(exist_ok=False)
    made = _tuner_fn(fn_args)
    class Keeping(type(made.tuner)):
        def run_trial(self, trial, **kwargs):
            killed = Path({root!r}, "killed")
            if trial.trial_id == "2" and {fails} and not killed.exists():
                killed.touch()
                os._exit(1) if {in_workers} else sys.exit("killed")
            Path(fn_args.working_dir, "cache.lockfile").unlink()
            try:
                score = super().run_trial(trial, **kwargs)
            finally:
                Path(fn_args.working_dir, "cache.lockfile").touch(exist_ok=False)
            weights = Path(self.get_trial_dir(trial.trial_id), "weights")
            weights.write_text(json.dumps(score))
            # KerasTuner's own tuners, and people, make this name by hand.
            by_hand = Path(fn_args.working_dir, "toy", f"trial_{{trial.trial_id}}")
            assert json.loads((by_hand / "weights").read_text()) == score
            return score
    made.tuner.__class__ = Keeping
    return made
"""


def alone(run: Run, fails: bool, in_workers: bool = False) -> Run:
    source = toy("return hp.Float('x', 0, 1)").replace("tuner_fn(fn", "_tuner_fn(fn")
    names = {"root": str(run.root), "fails": fails, "in_workers": in_workers}
    return run.module(source + ALONE.format(**names))


def kept_weights(run: Run) -> set[str]:
    paths = run.root.rglob("workdir/toy/trial_*/weights")
    return {path.parent.name.removeprefix("trial_") for path in paths}


def test_each_call_of_tuner_fn_has_a_working_directory_of_its_own(run: Run) -> None:
    """A lock that a killed process left there would fail its trial for good."""
    alone(run, fails=True)
    with pytest.raises(SystemExit):
        run()
    run()
    results = load_tuner_results(run.tuner_results_dir)
    assert {trial.trial_id for trial in results} == {"0", "1", "2", "3", "4"}
    assert kept_weights(run) == {"0", "1", "2", "3", "4"}
    assert not list(run.root.rglob("scratch"))


def test_tuner_fn_is_called_once_by_the_process_that_searches(run: Run) -> None:
    """A tracker's run is begun there, and cannot be begun twice; data were read from."""
    made = run.root / "made.txt"
    body = (
        f"crash = trial.trial_id == '2' and {str(made)!r}"
        "; assert not (crash and len(open(crash).read()) < 3) or sys.exit('killed')"
        "; return hp.Float('x', 0, 1)"
    )
    head, _, tail = toy(body).partition("def tuner_fn(fn_args):\n")
    note = f"    print(os.getpid(), file=open({str(made)!r}, 'a'))\n"
    run.module(f"import os, sys\n{head}def tuner_fn(fn_args):\n{note}{tail}")
    for times in (1, 2):
        with contextlib.suppress(SystemExit):
            run()
        assert made.read_text().split().count(str(os.getpid())) == times
    # The one that went on was not checked.
    assert made.read_text().split()[-1] == str(os.getpid())


def test_a_tuner_that_overwrites_keeps_what_a_resumed_search_needs(run: Run) -> None:
    """The weights of finished trials would be gone: the best model could not be read."""
    source = toy(
        "open(self.project_dir + '/weights' + trial.trial_id, 'w').close()"
        "; trial.trial_id == '2' and not hasattr(sys, 'resumed') and sys.exit('killed')"
        "; return hp.Float('x', 0, 1)"
    ).replace('project_name="toy"', 'project_name="toy", overwrite=True')
    assert "overwrite" in source
    run.module(f"import sys\n{source}")
    with pytest.raises(SystemExit):
        run()
    with mock.patch.object(sys, "resumed", True, create=True):
        run()
    weights = {path.name for path in run.root.rglob("weights*")}
    assert weights == {f"weights{number}" for number in range(5)}


def test_a_variable_of_kerastuner_does_not_stop_the_search(
    toy_run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It would wait for ever for a chief that nobody started."""
    monkeypatch.setenv("KERASTUNER_TUNER_ID", "worker-1")
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    monkeypatch.setenv("KERASTUNER_ORACLE_PORT", "1")
    toy_run()
    assert "KERASTUNER_TUNER_ID=worker-1" in caplog.text
    assert len(load_tuner_results(toy_run.tuner_results_dir)) == 5


def test_finished_search_is_reported_and_not_run_again(
    toy_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """A study would grow whenever its pipeline runs."""
    toy_run()
    before = load_tuner_results(toy_run.tuner_results_dir)
    with caplog.at_level("INFO", logger="absl"):
        toy_run()
    assert "This search was finished before: no trial was run" in caplog.text
    assert load_tuner_results(toy_run.tuner_results_dir) == before


def test_changed_inputs_begin_a_new_study_and_say_what_changed(
    toy_run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Trials on other data, or of other code, would count as these."""
    toy_run()
    toy_run.exec_properties["custom_config"] = '{"changed": true}'
    with caplog.at_level("INFO", logger="absl"):
        toy_run()
    assert "This is a new study" in caplog.text
    assert "custom_config" in caplog.text


def test_change_that_no_source_tells_is_named(
    run: Run, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results of another search space would be published again without a word."""
    oracle = "RandomSearchOracle(max_trials=2, seed=1, hyperparameters=space())"
    head = """
import keras_tuner, os
def space():
    hp = keras_tuner.HyperParameters()
    hp.Float("x", 0, float(os.environ["WIDEST"]))
    return hp
"""
    run.module(head + toy("return hp['x']", oracle))
    for widest in ("1", "2"):
        monkeypatch.setenv("WIDEST", widest)
        with caplog.at_level("INFO", logger="absl"):
            run()
    assert "hyperparameter x (max_value was 1, is 2)" in caplog.text
    assert "finished, and stays as it is" in caplog.text


def test_time_budget_publishes_the_best_so_far(run: Run) -> None:
    """A search with a deadline would miss it, or publish nothing."""
    run.exec_properties["tune_args"] = '{"time_budget_seconds": 2}'
    body = "import time; time.sleep(0.7); return hp.Float('x', 0, 1)"
    run.module(toy(body, "RandomSearchOracle(max_trials=100, seed=1)"))()
    assert 1 <= len(load_tuner_results(run.tuner_results_dir)) <= 4


def test_tune_args_that_are_not_json(toy_run: Run) -> None:
    """A bare ParseError would not name tune_args."""
    toy_run.exec_properties["tune_args"] = '{"num_paralel_trials": 2}'
    with pytest.raises(ValueError, match=r"Expected tune_args.*num_paralel_trials"):
        toy_run()


def test_the_best_mean_is_published(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """The Trainer would train with what was lucky."""
    source = toy(
        'import random; return hp.get("a") / 9 + random.random()',
        oracle="RandomSearchOracle(max_trials=6, seed=7, hyperparameters=SPACE)",
    )
    run.module(source)
    run.exec_properties["tune_args"] = '{"confirm_top": 3, "seed": 5}'
    with caplog.at_level("INFO", logger="tuner_component"):
        run()
    study = load_study(run.tuner_results_dir)
    assert study.confirmation is not None
    best, *others = study.confirmation.trials
    assert [trial.seeds for trial in study.confirmation.trials] == [3, 3, 3]
    assert all((best.mean or 9.0) < (trial.mean or 0.0) for trial in others)
    rows = load_tuner_results(run.tuner_results_dir)
    assert [row.trial_id for row in rows] == [t.trial_id for t in study.completed]
    assert len(rows) == 6
    assert (rows[0].trial_id, rows[0].score) == (best.trial_id, best.score)
    values = load_best_hyperparameters(run.best_hyperparameters_dir).values
    assert values == rows[0].hyperparameters
    (artifact,) = run.output_dict["tuner_results"]
    assert artifact.get_custom_property("best_trial") == best.trial_id
    assert artifact.get_custom_property("best_confirmed_mean") == pytest.approx(
        best.mean
    )
    assert artifact.get_custom_property("completed_trials") == 6
    assert f"Trial {best.trial_id} is the best of 3 that were run again" in caplog.text
    report = (run.tuner_results_dir / "report.html").read_text()
    assert len(data_of(report)["confirmation"]["trials"]) == 3
    assert "re-runs with other seeds" in sentences_of(report)


def test_what_was_published_is_confirmed_later(toy_run: Run) -> None:
    """A finished search would have to be repeated for it."""
    toy_run()
    toy_run.exec_properties["tune_args"] = '{"confirm_top": 2, "confirm_seeds": 2}'
    toy_run()
    study = load_study(toy_run.tuner_results_dir)
    assert (len(study.trials), len(study.reruns)) == (5, 4)
    assert study.status == "finished"
