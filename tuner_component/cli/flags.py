"""What stands behind `--` on the command line: the module's flags."""

import json
from collections.abc import Sequence
from typing import Any


def split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Divides a command line at its first `--`."""
    if "--" not in arguments:
        return list(arguments), []
    place = list(arguments).index("--")
    return list(arguments[:place]), list(arguments[place + 1 :])


def custom_config(given: str | None, flags: Sequence[str]) -> dict[str, Any] | None:
    """Returns what the module gets as `fn_args.custom_config`.

    Args:
        given: The value of --custom-config, JSON.
        flags: `--name=value`, `--name value` or `--name`, which is true. A value that is
            JSON is what it says, any other is text. A flag that is repeated is a list.

    Raises:
        ValueError: If this is no JSON object, these are no flags, or both have a name.
    """
    config = _parsed(given) if given is not None else None
    found = _values(flags)
    if twice := sorted(set(found) & set(config or {})):
        raise ValueError(
            "Expected each value once. Received: "
            f"{', '.join(twice)} in --custom-config and behind --. Remove one of them."
        )
    return {**(config or {}), **found} if found else config


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        config = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"Expected --custom-config to be JSON. Received: {text} ({error}). Write, for "
            """example, --custom-config '{"units": 8}', or flags behind --."""
        ) from error
    if config is not None and not isinstance(config, dict):
        raise ValueError(
            f"Expected --custom-config to be a JSON object. Received: {text}. Write, for "
            """example, --custom-config '{"units": 8}'."""
        )
    return config


def _values(flags: Sequence[str]) -> dict[str, Any]:
    values: dict[str, list[Any]] = {}
    left = list(flags)
    while left:
        argument = left.pop(0)
        name, equals, text = argument.removeprefix("--").partition("=")
        if not argument.startswith("--") or not name:
            raise ValueError(
                "Expected flags of the module behind --, such as --tuner_type=hyperband. "
                f"Received: {argument}."
            )
        if not equals and left and not left[0].startswith("--"):
            equals, text = "=", left.pop(0)
        values.setdefault(name, []).append(_value(text) if equals else True)
    return {n: v[0] if len(v) == 1 else v for n, v in values.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(text.lower() if text in ("True", "False") else text)
    except ValueError:
        return text
