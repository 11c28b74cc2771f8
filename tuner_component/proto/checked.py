"""Constructors of messages whose errors say what there is to choose from.

protobuf's own say of `Stopping(rule="asha")` only that it does not know the label.
"""

import functools
from collections.abc import Mapping
from typing import Any

from google.protobuf import message as message_lib

from tuner_component.search.spelling import did_you_mean


def check_arguments(kind: Any) -> None:
    """Has the constructor of a message check the names that it is given.

    Args:
        kind: The message's class, which is changed.
    """
    construct = kind.__init__

    @functools.wraps(construct)
    def checked(self: Any, *args: Any, **fields: Any) -> None:
        _check(kind.DESCRIPTOR, fields)
        construct(self, *args, **fields)

    kind.__init__ = checked


def _check(descriptor: Any, fields: Mapping[str, Any]) -> None:
    """Checks names of fields, and of the values of an enumeration, on all levels.

    Raises:
        TypeError: If there is something else in the place of a message.
        ValueError: If a name is not known.
    """
    known = descriptor.fields_by_name
    for name, value in fields.items():
        if name not in known:
            raise ValueError(
                f"Expected fields of {descriptor.name}: {', '.join(known)}. Received: "
                f"{name}.{did_you_mean(name, list(known))}"
            )
        field = known[name]
        if field.enum_type is not None and isinstance(value, str):
            _check_label(field, value)
        is_map = field.message_type and field.message_type.GetOptions().map_entry
        if field.message_type and value is not None and not is_map:
            _check_message(field, value)


def _check_label(field: Any, value: str) -> None:
    labels = [label.name for label in field.enum_type.values]
    if value not in labels:
        raise ValueError(
            f"Expected {field.name} to be one of {', '.join(labels)}. Received: "
            f"{value!r}.{did_you_mean(value.upper(), labels)}"
        )


def _check_message(field: Any, value: Any) -> None:
    name = field.message_type.name
    if isinstance(value, Mapping):
        _check(field.message_type, value)
    elif not isinstance(value, message_lib.Message):
        (first, *_) = field.message_type.fields_by_name
        raise TypeError(
            f"Expected {field.name} to be a {name}. Received: {value!r} of type "
            f"{type(value).__name__}. Write {field.name}={name}({first}=...)."
        )
