"""What a new process takes over from the one that starts it.

The environment, the working directory and resource limits are inherited by every
child process. The rest lives inside the interpreter: the module search path, the
command line, flags of absl, and how logging is set up. The user's module must find all
of it in a worker as it would in the process that runs the pipeline.
"""

import contextlib
import dataclasses
import importlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tuner_component.search.machine import environment

_PLAIN = (bool, int, float, str, type(None))


@dataclasses.dataclass(frozen=True)
class FlagState:
    """A flag of absl.

    Attributes:
        name: Its name.
        module: The module that defines it; None for the main script, which is never
            imported a second time.
        value: Its value, or its text where the value is not a plain one.
        is_text: Whether `value` is the text to parse.
    """

    name: str
    module: str | None
    value: Any
    is_text: bool


@dataclasses.dataclass(frozen=True)
class LoggingState:
    """How Python's logging is set up.

    Attributes:
        levels: Level of each logger that has one of its own; the root's name is "".
        format: Format, date format and style of the root's first plain handler.
        absl: Whether absl's handler is one of the root's.
        verbosity: That of absl, where it is in use.
    """

    levels: dict[str, int]
    format: tuple[str, str | None, str] | None = None
    absl: bool = False
    verbosity: int | None = None


@dataclasses.dataclass(frozen=True)
class ProcessContext:
    """The state of an interpreter that its children should share.

    Attributes:
        path: `sys.path`.
        argv: `sys.argv`.
        logging: How logging is set up.
        flags: Flags of absl, where they have been parsed; else None.
    """

    path: list[str]
    argv: list[str]
    logging: LoggingState
    flags: list[FlagState] | None = None

    @classmethod
    def capture(cls) -> "ProcessContext":
        """Describes this process."""
        return cls(list(sys.path), list(sys.argv), _logging_state(), _flag_states())

    def apply(self) -> None:
        """Makes this process like the one described."""
        sys.path[:] = self.path
        sys.argv[:] = self.argv
        self._apply_logging()
        if self.flags is not None:
            _apply_flags(self.argv, self.flags)

    def _apply_logging(self) -> None:
        root = logging.getLogger()
        for handler in list(root.handlers):
            root.removeHandler(handler)
        if self.logging.absl:
            from absl import logging as absl_logging

            absl_logging.use_absl_handler()
        if self.logging.format is not None:
            handler = logging.StreamHandler()
            text, date, style = self.logging.format
            handler.setFormatter(logging.Formatter(text, date, style))  # type: ignore[arg-type]
            root.addHandler(handler)
        if self.logging.verbosity is not None:
            from absl import logging as absl_logging

            absl_logging.set_verbosity(self.logging.verbosity)
        for name, level in self.logging.levels.items():
            logging.getLogger(name).setLevel(level)


def set_environment(changes: Mapping[str, str | None]) -> None:
    """Sets variables, and removes those with which KerasTuner would distribute."""
    environment.remove_roles()
    for name, value in changes.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _logging_state() -> LoggingState:
    root = logging.getLogger()
    loggers = {
        name: logger
        for name, logger in logging.Logger.manager.loggerDict.items()
        if isinstance(logger, logging.Logger) and type(logger).__module__ == "logging"
    }
    levels = {"": root.level} | {
        name: logger.level for name, logger in loggers.items() if logger.level
    }
    absl_logging = sys.modules.get("absl.logging")
    absl_handler = absl_logging.get_absl_handler() if absl_logging else None
    plain = [handler for handler in root.handlers if handler is not absl_handler]
    return LoggingState(
        levels=levels,
        format=_format(plain[0]) if plain else None,
        absl=absl_handler is not None and absl_handler in root.handlers,
        verbosity=absl_logging.get_verbosity() if absl_logging else None,
    )


def _format(handler: logging.Handler) -> tuple[str, str | None, str]:
    formatter = handler.formatter or logging.Formatter()
    style = next(
        (key for key, known in _styles() if isinstance(formatter._style, known)), "%"
    )
    return formatter._fmt or "%(message)s", formatter.datefmt, style


def _styles() -> Iterator[tuple[str, type]]:
    # The one of "%" is the base class of the others.
    yield "{", logging.StrFormatStyle
    yield "$", logging.StringTemplateStyle
    yield "%", logging.PercentStyle


def _flag_states() -> list[FlagState] | None:
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
            states.append(FlagState(name, module, flag.value, is_text=False))
        elif module is not None:
            _, _, text = flag.serialize().partition("=")
            states.append(FlagState(name, module, text, is_text=True))
    return states


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return type(value) in _PLAIN


def _apply_flags(argv: list[str], states: list[FlagState]) -> None:
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS(argv[:1] or [""])
    for state in states:
        if state.name not in flags.FLAGS and state.module is not None:
            # A module that is broken here says so when the user's code needs it.
            with contextlib.suppress(Exception):
                importlib.import_module(state.module)
        if state.name not in flags.FLAGS:
            if state.is_text:
                continue
            _define(flags, state.name)
        flag = flags.FLAGS[state.name]
        if state.is_text:
            flag.parse(state.value)
        else:
            flag.value = state.value
        flag.using_default_value = False


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
