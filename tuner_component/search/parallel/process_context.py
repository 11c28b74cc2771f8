"""What a new process takes over from the one that starts it.

The environment, the working directory and resource limits are inherited by every
child process. The rest lives inside the interpreter: the module search path, the
command line, flags of absl, how logging is set up, and other settings. The user's module
must find all of it in a worker as it would in the process that runs the pipeline.
"""

import dataclasses
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tuner_component.search.machine import environment
from tuner_component.search.parallel import absl_flags, settings


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
        settings: See `settings`.
    """

    path: list[str]
    argv: list[str]
    logging: LoggingState
    flags: list[absl_flags.FlagState] | None = None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @classmethod
    def capture(cls) -> "ProcessContext":
        """Describes this process."""
        return cls(
            list(sys.path),
            list(sys.argv),
            _logging_state(),
            absl_flags.capture(),
            settings.capture(),
        )

    def apply(self) -> None:
        """Makes this process like the one described."""
        sys.path[:] = self.path
        sys.argv[:] = self.argv
        self._apply_logging()
        settings.apply(self.settings)
        if self.flags is not None:
            absl_flags.apply(self.flags)

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
