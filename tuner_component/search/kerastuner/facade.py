"""An object that passes for the oracle it wraps."""

from typing import Any

import keras_tuner


class OracleFacade:
    """Has the attributes of an oracle, and passes for an instance of its class.

    What a subclass defines is its own. Everything else is read from, and written to, the
    wrapped oracle: user code may look at any attribute of `tuner.oracle`, and set some.
    """

    # `__dict__` lets a method be replaced on one instance, as on any oracle.
    __slots__ = ("__dict__", "_inner")

    def __init__(self, oracle: keras_tuner.Oracle) -> None:
        """Wraps an oracle."""
        self._inner = oracle

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The wrapped oracle's class: this is what `isinstance` looks at."""
        return self._inner.__class__  # Not type(): that may be a facade itself.

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # Not set yet: unpickling or copying asks for it.
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            setattr(self._inner, name, value)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        # Callbacks that hold the tuner are copied for every trial. The search has but
        # one oracle.
        return self
