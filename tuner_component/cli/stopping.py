"""The value of `--stopping`: `asha`, `asha:grace_epochs=2,reduction_factor=4`, or JSON."""

import argparse
import json
from typing import Any

from tuner_component.proto import tuner_pb2
from tuner_component.search.spelling import did_you_mean

_RULES = {
    name.lower(): name for name in tuner_pb2.Stopping.Rule.DESCRIPTOR.values_by_name
}
_OPTIONS = [f.name for f in tuner_pb2.Stopping.DESCRIPTOR.fields if f.name != "rule"]
_EXAMPLE = "asha, or asha:grace_epochs=2,reduction_factor=4"


def parsed(text: str) -> dict[str, Any]:
    """Returns the message Stopping of a command line, as its JSON has it.

    Args:
        text: The name of a rule in any case, with options behind a colon; or JSON.

    Raises:
        ArgumentTypeError: If there is no such rule, or no such option.
    """
    if text.lstrip().startswith("{"):
        return _checked(_json(text))
    name, _, options = text.partition(":")
    given: dict[str, Any] = {"rule": name.strip()}
    for option in filter(None, map(str.strip, options.split(","))):
        key, equals, value = option.partition("=")
        try:
            given[key.strip()] = int(value)
        except ValueError:
            raise _error(
                f"options to be NAME=NUMBER, with a comma between two of them: {_EXAMPLE}",
                f"{option!r}" + ("" if equals else ", without a number"),
            ) from None
    return _checked(given)


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _error(f"a rule ({_EXAMPLE}), or JSON", f"{text} ({error})") from None
    return dict(content)


def _checked(given: dict[str, Any]) -> dict[str, Any]:
    rule = given.get("rule")
    known = _RULES.get(rule.lower()) if isinstance(rule, str) else None
    if known is None:
        names = sorted(name for name in _RULES if name != "none")
        raise _error(
            f"a rule, one of {', '.join(names)}",
            f"{rule!r}" if rule else "none",
            did_you_mean(str(rule).lower(), names),
        )
    for name in given.keys() - {"rule"}:
        if name not in _OPTIONS:
            raise _error(
                f"options of a rule, of {', '.join(_OPTIONS)}",
                repr(name),
                did_you_mean(name, _OPTIONS),
            )
    return {**given, "rule": known}


def _error(expected: str, received: str, meant: str = "") -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(
        f"Expected {expected}. Received: {received}.{meant}"
    )
