"""What a fork server says and hears."""

import dataclasses

from tuner_component.search.parallel import protocol


@dataclasses.dataclass(frozen=True)
class StartWorker:
    """Asks the fork server for a worker; the descriptor of its connection follows."""

    spec: protocol.WorkerSpec


@dataclasses.dataclass(frozen=True)
class KillWorker:
    """Asks the fork server to kill a worker."""

    worker_id: str


@dataclasses.dataclass(frozen=True)
class Alive:
    """The fork server runs, and will end with the process that started it."""


@dataclasses.dataclass(frozen=True)
class WorkersOnly:
    """What a fork server gets in place of a `Job` if the driver is on another machine.

    Attributes:
        argv: The command line to take over.
        preload: Names of the modules that are imported once for all workers.
    """

    argv: list[str]
    preload: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Unfit:
    """A module must not be preloaded; the fork server has ended.

    Attributes:
        module: Which one.
    """

    module: str


@dataclasses.dataclass(frozen=True)
class DriverExited:
    """All is over: the driver ended so, and nothing that it started is left.

    Attributes:
        status: Its exit status; minus the number of the signal that killed it.
    """

    status: int
