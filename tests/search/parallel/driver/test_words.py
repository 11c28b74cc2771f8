"""Whatever a worker says, it is a message or is found to be none."""

import contextlib
import dataclasses
import math
from typing import Any

import keras_tuner
import pytest
from keras_tuner.engine import trial as trial_lib

from tuner_component.search.errors import PortableError
from tuner_component.search.events import EpochEnded
from tuner_component.search.kerastuner import codec
from tuner_component.search.parallel.driver import words
from tuner_component.search.parallel.engine import BadMessageError
from tuner_component.search.parallel.local import engine
from tuner_component.search.parallel.protocol import (
    Crashed,
    Heartbeat,
    Logged,
    Reply,
    Request,
)


def _trial(**changes: Any) -> codec.TrialState:
    space = keras_tuner.HyperParameters()
    space.Float("x", 0.0, 1.0)
    state = codec.encode(trial_lib.Trial(space, "0", "COMPLETED")).state
    return codec.TrialState({**state, **changes})


CRASHED = PortableError("builtins:ValueError", "wrong")
GOOD = [
    Heartbeat(),
    EpochEnded("0", 0, 3, {"loss": math.nan, "accuracy": 1}),
    Crashed(CRASHED),
    Request(1, "create_trial", ("slot0",)),
    Request(2, "end_trial", (_trial(),), {"out_of_memory": False, "then": 3}),
    Request(3, "end_trial", (_trial(status="INVALID", message="Traceback"),)),
    Request(4, "end_trial", (_trial(reports=[({"score": math.nan, "loss": 1}, 7)]),)),
    Request(5, "anything", ([1], None), {"at": {"all"}}),
    Request(6, "report_epoch", ("0", 0, 3, {}), {"can_pause": True, "decided": False}),
    Request(7, "pause_trial", ("0",)),
    Logged("tuner_component", 30, "The check is not sure."),
]
NUMBERS = [-1, 1.5, 400_000_000, 10**400, "1", None, math.nan, [0]]


@pytest.mark.parametrize("message", GOOD, ids=lambda m: type(m).__name__)
def test_what_workers_say_is_taken(message: Any) -> None:
    """No search would run."""
    words.check(message)


@pytest.mark.parametrize("message", GOOD, ids=lambda m: type(m).__name__)
def test_what_workers_say_gets_through(message: Any) -> None:
    """A worker would be ended for a message that the driver waits for."""
    ours, theirs = engine.pair()
    with theirs, contextlib.closing(engine.WorkerChannel(engine._detached(ours))) as at:
        theirs.send(message)
        assert type(at.recv()) is type(message)


def _bad() -> list[Any]:
    """Each field of each message with what does not belong there."""
    epoch, request = GOOD[1], GOOD[3]
    bad: list[Any] = [None, 7, "Heartbeat", {}, Reply(1), Exception(), Request]
    bad += [dataclasses.replace(epoch, fit=n) for n in NUMBERS]
    bad += [dataclasses.replace(epoch, epoch=n) for n in NUMBERS]
    bad += [dataclasses.replace(epoch, trial_id=i) for i in (0, None, ["0"])]
    metrics = [None, [1.0], {1: 1.0}, {"a": "1"}, {"a": None}, {"a": 10**400}, "loss"]
    bad += [dataclasses.replace(epoch, metrics=m) for m in metrics]
    bad += [dataclasses.replace(request, request_id=i) for i in (None, "1", 0.5)]
    bad += [dataclasses.replace(request, method=m) for m in (None, 1, ["end_trial"])]
    bad += [dataclasses.replace(request, args=a) for a in (None, "abc", {})]
    bad += [dataclasses.replace(request, kwargs=k) for k in (None, [1], {1: 1})]
    trials = [
        *(None, "0", {}, codec.TrialState([]), codec.TrialState({})),  # type: ignore[arg-type]
        *(_trial(trial_id=i) for i in (0, None, ["0"])),
        *(_trial(status=s) for s in ("GREAT", None, [])),
        *(_trial(message=m) for m in (7, b"text")),
        *(_trial(reports=r) for r in (None, 7, [None], [{}], ["ab"], [({}, 1, 2)])),
        *(_trial(reports=[({"a": v}, 0)]) for v in ("1", None, 10**400)),
        *(_trial(reports=[({}, s)]) for s in (None, "1", math.nan, -math.inf, 10**400)),
        *(_trial(hyperparameters=h) for h in (None, [], {}, {"space": 1})),
        _trial(hyperparameters={"space": [], "values": {"x": b"bytes"}}),
        _trial(hyperparameters={"space": [{"class_name": "os"}], "values": {}}),
    ]
    bad += [Request(1, "end_trial", (trial,)) for trial in trials]
    bad.append(Request(1, "end_trial"))
    bad += [Request(1, "end_trial", (_trial(),), {"then": t}) for t in ("3", 0.5, [])]
    bad += [Request(1, "pause_trial", args) for args in ((), (7,), (None,), (["0"],))]
    epoch_args = ("0", 0, 3, {})
    for name in ("can_pause", "decided"):
        bad += [Request(1, "report_epoch", epoch_args, {name: v}) for v in (None, "x")]
    bad += [Crashed(e) for e in (None, "error", ValueError())]  # type: ignore[arg-type]
    for field in dataclasses.fields(CRASHED):
        bad.append(Crashed(dataclasses.replace(CRASHED, **{field.name: [1]})))
    # A pickle may leave out what the class requires.
    bad += [object.__new__(kind) for kind in (EpochEnded, Request, Crashed)]
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    bad.append(Request(1, "end_trial", (_trial(hyperparameters=deep),)))
    return bad


def test_everything_else_is_found_to_be_none() -> None:
    """One wrong message of a worker would end the driver, at every further run too."""
    for message in _bad():
        with pytest.raises(BadMessageError, match="^sent a"):
            words.check(message)


def test_a_space_is_made_to_check_it_only_if_it_is_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of each trial's cost a tenth would be for what is known already."""
    words.check(Request(1, "end_trial", (_trial(),)))
    made: list[Any] = []
    real = keras_tuner.HyperParameters.from_config
    monkeypatch.setattr(
        keras_tuner.HyperParameters,
        "from_config",
        lambda config: made.append(config) or real(config),
    )
    words.check(Request(2, "end_trial", (_trial(),)))
    assert not made
    config = _trial().state["hyperparameters"]
    wrong = {**config, "space": [{"class_name": "Float", "config": {}}]}
    for _ in range(2):
        with pytest.raises(BadMessageError, match="none"):
            words.check(Request(3, "end_trial", (_trial(hyperparameters=wrong),)))
    assert len(made) == 2
