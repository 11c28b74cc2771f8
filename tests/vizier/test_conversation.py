"""What is said to a service is said in a thread of its own."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.support import limits
from tuner_component.vizier import conversation
from tuner_component.vizier.conversation import Conversation


def test_its_thread_ends_when_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each search that fails in a notebook would leave one, until that is closed."""
    monkeypatch.setattr(conversation, "_SILENCE_S", 0.0)
    service: Any = object()
    talk = Conversation(lambda: service, 60.0)
    for _ in range(2):
        thread = talk.say(lambda service: threading.current_thread()).result(
            limits.WAIT_S
        )
        thread.join(limits.WAIT_S)
        assert not thread.is_alive()
