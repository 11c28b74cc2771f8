"""Constructors of messages: errors that say what there is to choose from."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from tuner_component import Cluster, Retry, Stopping, TuneArgs


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Stopping(rule="asha"), "NONE, MEDIAN, ASHA.*Did you mean ASHA"),
        (lambda: Stopping(rule="MEDAIN"), "'MEDAIN'. Did you mean MEDIAN"),
        (lambda: Stopping(grace_epoch=2), "grace_epochs.*Did you mean grace_epochs"),
        (lambda: TuneArgs(stopping={"rule": "asha"}), "one of NONE, MEDIAN"),
        (lambda: TuneArgs(stoping=Stopping()), "Did you mean stopping"),
        (lambda: TuneArgs(cluster={"adress": "auto"}), "Did you mean address"),
    ],
)
def test_typo_gets_the_names_that_there_are(make: Any, said: str) -> None:
    """protobuf says of a label only that it does not know it."""
    with pytest.raises(ValueError, match=f"^Expected .*{said}"):
        make()


def test_text_in_the_place_of_a_message_is_explained() -> None:
    """protobuf speaks of MergeFrom."""
    with pytest.raises(TypeError, match=r"Write stopping=Stopping\(rule=\.\.\.\)"):
        TuneArgs(stopping="asha")


def test_messages_are_what_they_were() -> None:
    """Checks would cost what the messages could do before."""
    args = TuneArgs(
        num_parallel_trials=2,
        stopping={"rule": "ASHA", "grace_epochs": 2},
        retry=Retry(trials=["1"]),
        cluster=Cluster(address="auto", resources_per_trial={"TPU": 4.0}),
        constraints=["size <= 5"],
    )
    assert args.stopping == Stopping(rule=Stopping.ASHA, grace_epochs=2)
    assert args.cluster.resources_per_trial == {"TPU": 4.0}
    for copied in (
        copy.deepcopy(args),
        pickle.loads(pickle.dumps(args)),
        TuneArgs.FromString(args.SerializeToString()),
    ):
        assert copied == args
    assert TuneArgs(stopping=None, seed=None) == TuneArgs()
