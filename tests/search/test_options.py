"""What may be said about how a search runs."""

import pickle
from typing import Any

import pytest

from tuner_component.search.options import Cluster, SearchOptions, StoppingOptions


def test_defaults_are_valid() -> None:
    """Each search would have to set every option."""
    assert SearchOptions().num_workers == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_workers", 0),
        ("max_retries", -1),
        ("cpus_per_trial", 0),
        ("gpus_per_trial", -0.5),
        ("gpus_per_trial", 1.5),
        ("trial_timeout_s", 0.0),
        ("time_budget_s", -1),
        ("time_budget_s", float("inf")),
        ("max_failed_trials", -1),
        ("heartbeat_timeout_s", 0),
        ("heartbeat_timeout_s", 1.5),
        ("max_trials_per_worker", 0),
        ("confirm_top", -1),
        ("confirm_seeds", 0),
        ("seed", -1),
        ("grace_period_s", -1),
        ("grace_period_s", float("nan")),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: Any) -> None:
    """A search would fail, or hang, an hour after it started."""
    with pytest.raises(ValueError, match=f"Expected {name} .* Received: "):
        SearchOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_workers", 2.0),
        ("num_workers", True),
        ("time_budget_s", "60"),
        ("seed", 1.5),
        ("gpus_per_trial", "all"),
        ("max_retries", None),
    ],
)
def test_values_of_other_types_are_refused(name: str, value: Any) -> None:
    """The error would come from deep within, without the option's name."""
    with pytest.raises(TypeError, match=f"Expected {name} .* Received: "):
        SearchOptions(**{name: value})


@pytest.mark.parametrize("gpus", [0, 0.25, 1, 2, 4.0])
def test_gpus_are_whole_or_shared(gpus: float) -> None:
    """A share that makes sense would be refused."""
    assert SearchOptions(gpus_per_trial=gpus).gpus_per_trial == gpus


@pytest.mark.parametrize("value", [0, 1.5])
def test_numbers_of_a_stopping_rule_are_checked(value: float) -> None:
    """Nothing but TuneArgs would refuse them, and code can build a rule, too."""
    with pytest.raises(
        (TypeError, ValueError), match=r"Expected stopping\.patience to"
    ):
        StoppingOptions("patience", patience=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    [
        "auto",
        "10.0.0.7:6379",
        "ray-head:6379",
        "ray_head:6379",
        "head-svc.ray.svc.cluster.local:6379",
        "[fd00::7]:6379",
        "[::1]:65535",
    ],
)
def test_address_of_a_cluster(address: str) -> None:
    """A cluster that is there could not be named."""
    assert Cluster(address).address == address


@pytest.mark.parametrize(
    "address",
    [
        *("", "local", "10.0.0.7", "ray-head", "ray-head:", ":6379", "head:port"),
        *("head:0", "head:65536", "head:-1", "10.0.0.300:6379", "1.2.3:6379"),
        *("fd00::7:6379", "[10.0.0.7]:6379", "[fd00::7]", "he ad:6379", "-head:6379"),
        *("http://head:8265", "auto:6379:1", "head:6379\n", "[fd00::g]:6379", "auto "),
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    """The search would begin and then look for a host that cannot be."""
    with pytest.raises(
        ValueError, match=r'address to be "auto", or .* Received: '
    ) as e:
        Cluster(address)
    assert repr(address) in str(e.value)
    assert "ray start --head" in str(e.value)


@pytest.mark.parametrize("address", ["ray://head:10001", "ray://"])
def test_address_of_the_ray_client_is_refused(address: str) -> None:
    """It would connect, and fail at the first worker, without a reason."""
    with pytest.raises(
        ValueError, match="Expected .*Received: 'ray://.*Ray Client"
    ) as e:
        Cluster(address)
    assert "ray start --address=ray-head:6379 --num-cpus=0" in str(e.value)


def test_address_is_text() -> None:
    """A number would end in an error about an attribute of a number."""
    with pytest.raises(TypeError, match=r"cluster\.address to be text. Received: 6379"):
        Cluster(6379)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("memory_gib_per_trial", value) for value in (0, -1, float("inf"))),
        *(("wait_s", value) for value in (0, -1.0, float("nan"))),
        *(("workers_per_trial", value) for value in (0, -1)),
    ],
)
def test_numbers_of_a_cluster_are_checked(name: str, value: float) -> None:
    """No node would have a place, or the search give up before it waited."""
    with pytest.raises(ValueError, match=rf"Expected cluster\.{name} to be .*Received"):
        Cluster("auto", **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("CPU", "cpus_per_trial"),
        ("GPU", "gpus_per_trial"),
        ("memory", "cluster.memory_gib_per_trial"),
    ],
)
def test_resource_with_an_option_of_its_own_is_refused(name: str, option: str) -> None:
    """Two options would say two things about one resource."""
    with pytest.raises(ValueError, match=f"Received: '{name}'. Set {option} instead"):
        Cluster("auto", resources_per_trial={name: 1})


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_resource_needs_a_name(name: Any) -> None:
    """No node would ever have it."""
    with pytest.raises(ValueError, match="the names of resources. Received: "):
        Cluster("auto", resources_per_trial={name: 1})


@pytest.mark.parametrize("amount", [0, -1, float("nan"), float("inf"), True, "1"])
def test_resource_needs_an_amount(amount: Any) -> None:
    """A trial would wait for what no node can have, or reserve nothing."""
    with pytest.raises(
        (TypeError, ValueError),
        match=r"Expected cluster\.resources_per_trial\['TPU'\] to be .*Received: ",
    ):
        Cluster("auto", resources_per_trial={"TPU": amount})


def test_cluster_is_whole_after_it_travelled() -> None:
    """The driver is another process, and would get other options."""
    options = SearchOptions(
        cluster=Cluster("auto", 1.5, {"TPU": 0.25, "rack-a": 1}, 2, 3, True)
    )
    assert pickle.loads(pickle.dumps(options)) == options
