"""A process that hangs shows no life, and one that sleeps is not taken for dead."""

import queue
from typing import Any

import pytest

from tuner_component.search.parallel import pulse

LIMIT_S = 30.0


@pytest.fixture(name="beats")
def _beats(monkeypatch: pytest.MonkeyPatch) -> "queue.SimpleQueue[None]":
    """The signs of life of the pulse under test."""
    monkeypatch.setattr(pulse, "BEAT_S", 0.01)
    return queue.SimpleQueue()


def test_it_beats_whatever_the_main_thread_does(beats: Any) -> None:
    """A tuner_fn that loads data for minutes would be ended."""
    with pulse.Pulse(lambda: beats.put(None)).beating():
        for _ in range(3):
            beats.get(timeout=LIMIT_S)
    while not beats.empty():
        beats.get()
    with pytest.raises(queue.Empty):
        beats.get(timeout=0.05)


def test_a_loop_that_stands_still_gives_no_sign_of_life(
    beats: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A driver that waits for itself would be waited for, for ever."""
    monkeypatch.setattr(pulse, "STALL_S", -1.0)
    told: queue.SimpleQueue[None] = queue.SimpleQueue()
    heart = pulse.Pulse(lambda: beats.put(None))
    tell = heart._tell_where
    monkeypatch.setattr(heart, "_tell_where", lambda: (tell(), told.put(None)))
    with heart.of_loop(), heart.beating():
        for _ in range(3):
            told.get(timeout=LIMIT_S)
    assert beats.empty()
    assert "test_pulse.py" in capfd.readouterr().err  # Where it stands still.


def test_a_loop_that_goes_round_beats(beats: Any) -> None:
    """Every search would be ended after five minutes."""
    heart = pulse.Pulse(lambda: beats.put(None))
    with heart.of_loop(), heart.beating():
        for _ in range(3):
            heart.advance()
            beats.get(timeout=LIMIT_S)


def test_silence_is_counted_until_it_is_broken() -> None:
    """A process that hangs would not be noticed, or one that works be ended."""
    silence = pulse.Silence(3.0)
    for _ in range(3):
        silence.waited(1.0)
    assert not silence.is_too_long
    silence.broken()
    for _ in range(4):
        assert not silence.is_too_long
        silence.waited(1.0)
    assert silence.is_too_long


def test_a_machine_that_slept_is_no_silence() -> None:
    """A suspended container would lose its search whenever it wakes up."""
    silence = pulse.Silence(300.0)
    silence.waited(100_000.0)
    assert not silence.is_too_long


@pytest.mark.parametrize(
    ("workers", "limit_s", "every_s"),
    [(1, 60, 1), (16, 60, 4), (999, 60, 6), (999, 2, 1)],
)
def test_many_workers_beat_less_often(
    workers: int, limit_s: float, every_s: float
) -> None:
    """A driver of hundreds would do little else than hear that they are alive."""
    assert pulse.worker_beat_s(workers, limit_s) == every_s
