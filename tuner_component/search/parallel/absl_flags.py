"""The flags of absl that a script has parsed, for the processes of its search."""

import contextlib
import dataclasses
import importlib
import logging
import sys
from typing import Any

import cloudpickle

_log = logging.getLogger("tuner_component")

_PLAIN = (bool, int, float, str, type(None))


@dataclasses.dataclass(frozen=True)
class FlagState:
    """A flag of absl.

    Attributes:
        name: Its name.
        module: The module that defines it; None for the main script, which is never
            imported a second time.
        value: Its value, its text, or its value as bytes.
        form: What `value` is: "plain", the value; "text" to parse; or "pickled", if it is
            of a class of the main script's perhaps, or there is no such text.
        present: How often it was given on the command line.
    """

    name: str
    module: str | None
    value: Any
    form: str
    present: int = 0


def capture() -> list[FlagState] | None:
    """The flags of this process; None where they have not been parsed."""
    flags = sys.modules.get("absl.flags")
    if flags is None or not flags.FLAGS.is_parsed():
        return None
    states = []
    for name in flags.FLAGS:
        flag = flags.FLAGS[name]
        if flag.name != name:
            continue  # A short name or an alias of another flag.
        module = flags.FLAGS.find_module_defining_flag(name)
        if module not in sys.modules or module == "__main__":
            module = None  # absl calls the main script by its path.
        if flag.using_default_value and module is not None:
            continue
        if _is_plain(flag.value):
            state = FlagState(name, module, flag.value, "plain", flag.present)
        elif module is not None and (text := _text(flag)) is not None:
            state = FlagState(name, module, text, "text", flag.present)
        elif (data := _pickled(flag.value)) is not None:
            state = FlagState(name, module, data, "pickled", flag.present)
        else:
            continue
        states.append(state)
    return states


def _text(flag: Any) -> str | None:
    """What stands behind the name on a command line; None if no single text does."""
    if isinstance(flag.value, list):
        return None  # It stands there once for each.
    with contextlib.suppress(Exception):  # Not all flags tell, and some do so wrongly.
        return str(flag.serialize().partition("=")[2])
    return None


def _pickled(value: Any) -> bytes | None:
    """A value of any class; None where it cannot be pickled."""
    with contextlib.suppress(Exception):
        return cloudpickle.dumps(value)  # type: ignore[no-any-return]
    return None


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return type(value) in _PLAIN


def apply(states: list[FlagState]) -> None:
    """Gives the flags of this process the values of another one's."""
    from absl import flags

    if not flags.FLAGS.is_parsed():
        # Not by parsing none: some may be required, and were given in that process.
        flags.FLAGS.mark_as_parsed()
    for state in states:
        if state.name not in flags.FLAGS and state.module is not None:
            # A module that is broken here says so when the user's code needs it.
            with contextlib.suppress(Exception):
                importlib.import_module(state.module)
        value = state.value
        if state.form == "pickled":
            try:
                value = cloudpickle.loads(value)
            except Exception as error:  # noqa: BLE001 - of a class that is not here
                _log.warning("The flag %s has no value here: %r", state.name, error)
                continue
        if state.name not in flags.FLAGS:
            if state.form == "text":
                continue
            _define(flags, state.name)
        flag = flags.FLAGS[state.name]
        if state.form == "text":
            flag.parse(value)
        else:
            flag.value = value
        flag.using_default_value = False
        flag.present = state.present


def _define(flags: Any, name: str) -> None:
    """Defines a flag that the main script defines there: any value will do."""
    flags.DEFINE_flag(
        flags.Flag(
            flags.ArgumentParser(),
            flags.ArgumentSerializer(),
            name,
            None,
            "defined by the main script",
            allow_override=True,
        )
    )
