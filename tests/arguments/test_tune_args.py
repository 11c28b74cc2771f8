"""TuneArgs, checked when the pipeline is built and again when it runs."""

from typing import Any

import pytest
from tfx.proto import tuner_pb2 as tfx_tuner_pb2

from tuner_component import Cluster, Retry, Stopping, TuneArgs
from tuner_component.arguments import tune_args
from tuner_component.search import options
from tuner_component.search.constraint import Constraint
from tuner_component.search.options import (
    RetryOptions,
    SearchOptions,
    StoppingOptions,
)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (TuneArgs(num_parallel_trials=-1), "num_parallel_trials to be 1 or more.*-1"),
        (TuneArgs(trial_timeout_seconds=-1), "trial_timeout_seconds to be more than 0"),
        (
            TuneArgs(num_parallel_trials=1, gpus_per_trial=1.5),
            "gpus_per_trial to be .* a whole number above 1.*1.5",
        ),
        (
            TuneArgs(time_budget_seconds=float("nan")),
            "time_budget_seconds to be finite.*nan",
        ),
    ],
)
def test_value_out_of_range_is_refused(args: TuneArgs, message: str) -> None:
    """The search would fail, or run otherwise, an hour after the pipeline started."""
    with pytest.raises(ValueError, match=f"Expected tune_args.{message}"):
        tune_args.validated(args)


@pytest.mark.parametrize(
    "field",
    [
        field.name
        for field in TuneArgs.DESCRIPTOR.fields
        if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
        or field.cpp_type == field.CPPTYPE_DOUBLE
    ],
)
def test_no_number_may_be_negative(field: str) -> None:
    """A field without a range would be taken as it is."""
    args = TuneArgs(**{"num_parallel_trials": 1, field: -2})
    with pytest.raises(
        ValueError, match=rf"Expected tune_args\.{field} to be .*\. Received: -2"
    ) as error:
        tune_args.validated(args)
    assert ". Leave it out " in str(error.value)


@pytest.mark.parametrize(
    "args",
    [
        TuneArgs(gpus_per_trial=1),
        TuneArgs(cpus_per_trial=1),
        TuneArgs(trial_timeout_seconds=10),
        TuneArgs(max_trials_per_worker=10),
    ],
)
def test_option_of_workers_needs_workers(args: TuneArgs) -> None:
    """It would silently do nothing."""
    with pytest.raises(ValueError, match=r"num_parallel_trials to be 1 or more with"):
        tune_args.validated(args)


def test_which_failed_trials_are_run_again() -> None:
    """None would be where all are meant, or all where none is."""
    assert tune_args.search_options(TuneArgs()).retry is None
    everything = tune_args.validated(TuneArgs(retry=Retry()))
    assert tune_args.search_options(everything).retry == RetryOptions()
    some = TuneArgs(retry=Retry(trials=["07"], causes=["OSError"], times=2))
    assert tune_args.retry_options(some) == RetryOptions(("07",), ("OSError",), 2)


@pytest.mark.parametrize(
    ("retry", "message"),
    [
        (Retry(times=-1), r"Expected tune_args.retry.times to be 1 or more.*-1"),
        (Retry(causes=[""]), "Expected ids of failed trials.*Received: an empty one"),
    ],
)
def test_a_retry_that_means_nothing_is_refused(retry: Retry, message: str) -> None:
    """The empty text is a part of every cause."""
    with pytest.raises(ValueError, match=message):
        tune_args.validated(TuneArgs(retry=retry))


def test_unknown_search_is_refused() -> None:
    """The search would fail only when its tuner is made, in another process."""
    with pytest.raises(ValueError, match="search to be one of auto, tpe.*'bohb'"):
        tune_args.validated(TuneArgs(search="bohb"))


def test_constraint_that_cannot_be_is_refused() -> None:
    """A typing error would show when the search begins, or is over."""
    with pytest.raises(ValueError, match="METRIC <= NUMBER.*Received: 'size = 5'"):
        tune_args.validated(TuneArgs(constraints=["loss < 1", "size = 5"]))


@pytest.mark.parametrize("goals", [{"pareto": True}, {"constraints": ["size <= 5"]}])
def test_a_search_that_knows_no_goals_is_refused(goals: dict[str, Any]) -> None:
    """The sampler would refuse them when the search begins."""
    with pytest.raises(ValueError, match=r"auto, tpe, gp, qmc or random. Rec.*cmaes"):
        tune_args.validated(TuneArgs(search="cmaes", **goals))


def test_unknown_end_of_a_search_is_refused() -> None:
    """The search would fail only when its driver has started, or never end early."""
    with pytest.raises(ValueError, match="stop_when to be one of converged.*'bored'"):
        tune_args.validated(TuneArgs(search="auto", stop_when="bored"))


def test_an_end_that_the_search_cannot_tell_is_refused() -> None:
    """The search would fail when its workers have started."""
    with pytest.raises(ValueError, match="\"auto\".*Received: 'tpe'.*leave stop_when"):
        tune_args.validated(TuneArgs(search="tpe", stop_when="converged"))
    # The tuner may have an oracle that can.
    tune_args.validated(TuneArgs(stop_when="converged"))


def test_defaults_are_those_of_the_search() -> None:
    """What the documentation calls a default would not be one."""
    options = tune_args.search_options(TuneArgs(num_parallel_trials=1))
    assert options == SearchOptions(num_workers=1, preflight=True)


def test_every_field_reaches_the_search() -> None:
    """A field would be accepted and ignored."""
    args = TuneArgs(
        num_parallel_trials=3,
        cpus_per_trial=2,
        gpus_per_trial=0.5,
        max_retries=0,
        trial_timeout_seconds=60,
        time_budget_seconds=3600,
        max_failed_trials=0,
        study_dir="/studies",
        seed=0,
        max_trials_per_worker=10,
        stopping=Stopping(
            rule="HYPERBAND",
            grace_epochs=2,
            reduction_factor=4,
            warmup_trials=0,
            patience=3,
            max_epochs=9,
        ),
        skip_preflight=True,
        cluster=Cluster(
            address="head:6379",
            memory_gib_per_trial=1.5,
            resources_per_trial={"TPU": 0.5},
            wait_seconds=60,
            workers_per_trial=4,
            driver_on_cluster=True,
        ),
        search="auto",
        confirm_top=3,
        confirm_seeds=4,
        stop_when="converged",
        max_trials=30,
        retry=Retry(trials=["07"], causes=["OSError"], times=2),
    )
    assert len(args.retry.ListFields()) == len(Retry.DESCRIPTOR.fields)
    assert len(args.cluster.ListFields()) == len(Cluster.DESCRIPTOR.fields)
    assert len(args.stopping.ListFields()) == len(Stopping.DESCRIPTOR.fields)
    options_of_most = SearchOptions(
        num_workers=3,
        cpus_per_trial=2,
        gpus_per_trial=0.5,
        max_retries=0,
        trial_timeout_s=60,
        time_budget_s=3600,
        max_failed_trials=0,
        seed=0,
        max_trials_per_worker=10,
        stopping=StoppingOptions("hyperband", 2, 4, 0, 3, 9),
        cluster=options.Cluster("head:6379", 1.5, {"TPU": 0.5}, 60, 4, True),
        confirm_top=3,
        confirm_seeds=4,
        stop_when="converged",
        max_trials=30,
        retry=RetryOptions(("07",), ("OSError",), 2),
    )
    assert tune_args.search_options(args) == options_of_most
    # These do not go together with re-runs.
    texts = ["size <= 5e6", "size<=5000000", "recall > 0.5"]
    goals = TuneArgs(pareto=True, constraints=texts)
    assert tune_args.search_options(goals) == SearchOptions(
        pareto=True,
        constraints=(Constraint("size", "<=", 5e6), Constraint("recall", ">", 0.5)),
        preflight=True,
    )
    # Of this the search knows nothing: tests/export/test_tracking.py.
    told = TuneArgs(trackers=["mlflow", "wandb"])
    assert tune_args.validated(told) == told
    parts = (args, goals, told)
    assert sum(len(part.ListFields()) for part in parts) == len(
        TuneArgs.DESCRIPTOR.fields
    )


def test_re_runs_of_a_front_are_refused() -> None:
    """The mean of a sum would decide over a front."""
    for goals in (TuneArgs(pareto=True), TuneArgs(constraints=["a < 1"])):
        goals.confirm_top = 3
        with pytest.raises(ValueError, match="confirm_top without pareto"):
            tune_args.validated(goals)


def test_an_end_of_a_search_for_a_front_is_refused() -> None:
    """It would end by what the weights of one turn expect."""
    for goals in (TuneArgs(pareto=True), TuneArgs(constraints=["a < 1"])):
        goals.search, goals.stop_when = "auto", "converged"
        with pytest.raises(ValueError, match="stop_when without pareto"):
            tune_args.validated(goals)


def test_seeds_without_trials_to_confirm_are_refused() -> None:
    """A user would believe that the best was confirmed."""
    with pytest.raises(ValueError, match="confirm_top with confirm_seeds: .* none"):
        tune_args.validated(TuneArgs(confirm_seeds=5))


def test_json_of_tfx_is_understood() -> None:
    """Pipelines compiled with TFX's message pass its JSON."""
    args = tune_args.from_exec_properties('{"num_parallel_trials": 3}')
    assert args == TuneArgs(num_parallel_trials=3)


@pytest.mark.parametrize("value", [None, ""])
def test_absent_is_the_default(value: str | None) -> None:
    """Orchestrators leave an optional property out, or pass an empty one."""
    assert tune_args.from_exec_properties(value) == TuneArgs()


def test_message_of_tfx_is_converted() -> None:
    """Executors that are called directly get a message."""
    args = tune_args.from_exec_properties(tfx_tuner_pb2.TuneArgs(num_parallel_trials=2))
    assert args == TuneArgs(num_parallel_trials=2)


@pytest.mark.parametrize(
    ("stopping", "message"),
    [
        (Stopping(rule="ASHA", grace_epochs=-1), "grace_epochs to be 1 or more.*-1"),
        (Stopping(rule="ASHA", reduction_factor=1), "reduction_factor.* 2 or more.*1"),
        (
            Stopping(rule="MEDIAN", warmup_trials=-1),
            "warmup_trials to be 0 or more.*-1",
        ),
        (Stopping(rule="PATIENCE", patience=-3), "patience to be 1 or more.*-3"),
        (Stopping(rule="HYPERBAND"), "max_epochs with the rule HYPERBAND.*None"),
        (Stopping(rule="HYPERBAND", max_epochs=2), "max_epochs.*2"),
        (Stopping(patience=3), "stopping.rule with patience.*none"),
        (Stopping(rule=9), "stopping.rule to be one of.*9"),
    ],
)
def test_stopping_rule_that_cannot_be_is_refused(
    stopping: Stopping, message: str
) -> None:
    """The search would fail, or stop no trial, an hour after the pipeline started."""
    with pytest.raises(ValueError, match=f"Expected .*{message}"):
        tune_args.validated(TuneArgs(stopping=stopping))


def test_a_study_that_workers_would_not_see_is_refused() -> None:
    """All trials would be trained, and then none be found."""
    args = TuneArgs(num_parallel_trials=2, study_dir="ram://studies")
    with pytest.raises(ValueError, match=r"Expected .*same files.*ram://studies"):
        tune_args.validated(args)
    tune_args.validated(TuneArgs(study_dir="ram://studies"))


def test_defaults_of_a_cluster_are_those_of_the_search() -> None:
    """A 0, which stands for the default, would be refused, or taken as it is."""
    args = TuneArgs(
        num_parallel_trials=2,
        cluster=Cluster(address="auto", memory_gib_per_trial=0, wait_seconds=0),
    )
    assert tune_args.validated(args) == args
    assert tune_args.search_options(args).cluster == options.Cluster("auto")


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (Cluster(), "address to be \"auto\", or .*Received: ''"),
        (Cluster(wait_seconds=3), "address to be \"auto\", or .*Received: ''"),
        (Cluster(address="ray://head:10001"), "address .*'ray://head:10001'"),
        (
            Cluster(address="auto", memory_gib_per_trial=-1),
            "memory_gib_per_trial to be more than 0.*-1",
        ),
        (Cluster(address="auto", wait_seconds=-1), "wait_seconds to be more than 0"),
        (
            Cluster(address="auto", workers_per_trial=-1),
            "workers_per_trial to be 1 or more",
        ),
        (
            Cluster(address="auto", resources_per_trial={"GPU": 1}),
            "resources_per_trial .*'GPU'. Set gpus_per_trial",
        ),
        (
            Cluster(address="auto", resources_per_trial={"TPU": 0}),
            r"resources_per_trial\['TPU'\] to be more than 0",
        ),
    ],
)
def test_cluster_that_cannot_be_is_refused(cluster: Cluster, message: str) -> None:
    """The pipeline would find out after its data was prepared."""
    with pytest.raises(ValueError, match=rf"Expected (tune_args\.)?cluster\.{message}"):
        tune_args.validated(TuneArgs(num_parallel_trials=2, cluster=cluster))


def test_cluster_needs_workers() -> None:
    """The search would run on this machine, in process, and not say so."""
    args = TuneArgs(cluster=Cluster(address="auto"))
    with pytest.raises(
        ValueError, match=r"num_parallel_trials to be 1 .* with cluster"
    ):
        tune_args.validated(args)


def test_cluster_is_understood_as_json() -> None:
    """A RuntimeParameter and the command line, which hold JSON, could not name one."""
    for names in ("memory_gib_per_trial", "memoryGibPerTrial"):
        text = (
            f'{{"num_parallel_trials": 2, "cluster": {{"address": "auto", "{names}": 2, '
            '"resources_per_trial": {"TPU": 1}}}'
        )
        cluster = tune_args.search_options(tune_args.from_exec_properties(text)).cluster
        assert cluster == options.Cluster("auto", 2, {"TPU": 1})
