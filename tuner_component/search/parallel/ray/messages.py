"""What the driver, its broker and the agents on the nodes say to each other.

The broker is the driver's own: both are children of one process. An agent's connection is accepted only from one who
knows the search's key, which Ray has brought it.
"""

import dataclasses
import functools
from collections.abc import Mapping

from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.process_context import ProcessContext

# In place of a worker's id: the driver's own connection to the executor's machine.
DRIVER = "driver"


@dataclasses.dataclass(frozen=True)
class Hello:
    """The first word of a connection to the driver, or to the executor's machine.

    Attributes:
        worker_id: Whose connection it is; None for a node's agent, or the driver's host.
        node_id: Where it comes from, as Ray calls it.
        node: The same, as people call it: its address.
    """

    worker_id: str | None
    node_id: str
    node: str


# From an agent to the broker, over a connection of its own: it may take a while.


@dataclasses.dataclass(frozen=True)
class CodeWanted:
    """The first word of one who has none of these directories; `Code` answers."""

    directories: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Code:
    """Directories of the module search path, as ZIP archives."""

    archives: Mapping[str, bytes]


# From the driver to its broker; but the first comes from whoever starts it.


@dataclasses.dataclass(frozen=True)
class Connect:
    """Join the cluster.

    Attributes:
        study: The study's name, by which people know the search.
        options: What a trial needs, and of which cluster.
        user_path: Directories of code that nodes may ask for.
    """

    study: str
    options: SearchOptions
    user_path: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class AskForPlaces:
    """The search begins: its study is open, and is not finished."""


@dataclasses.dataclass(frozen=True)
class Resize:
    """Ask for the places that are missing of so many."""

    workers: int


@dataclasses.dataclass(frozen=True)
class GiveBack:
    """No worker is in a place any more, and none will be."""

    slot: int


@dataclasses.dataclass(frozen=True)
class LeaveOut:
    """Ask for no place on a node that is unfit, and give back those that are there."""

    node_id: str


@dataclasses.dataclass(frozen=True)
class NodeServes:
    """A node's agent takes workers."""

    node_id: str


@dataclasses.dataclass(frozen=True)
class EndAgent:
    """The driver does not hear a node's agent any more, and has given it up."""

    node_id: str


# From the broker to the driver, beside a `Heartbeat` each second.


@dataclasses.dataclass(frozen=True)
class Arrived:
    """A connection has come; its descriptor follows."""

    hello: Hello


@dataclasses.dataclass(frozen=True)
class Share:
    """What the cluster has given to one process of a trial.

    Attributes:
        node_id: On which node, as Ray calls it.
        node: The same, as people call it: its address.
        gpus: The GPUs that belong to it, as `CUDA_VISIBLE_DEVICES` takes them.
    """

    node_id: str
    node: str
    gpus: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class PlaceOpened:
    """The cluster has given a place.

    Attributes:
        slot: Which of those that were asked for.
        shares: That of each process of a trial.
    """

    slot: int
    shares: tuple[Share, ...]

    @functools.cached_property  # The driver looks at it each time that it wakes.
    def node_ids(self) -> frozenset[str]:
        """The nodes that it is on."""
        return frozenset(share.node_id for share in self.shares)


@dataclasses.dataclass(frozen=True)
class PlaceClosed:
    """A place is no more, for new workers."""

    slot: int


@dataclasses.dataclass(frozen=True)
class NodeLost:
    """A node's agent is gone, and all workers there with it.

    Attributes:
        node_id: The node.
        reason: Why, for people.
        out_of_memory: Whether the node's memory had run out.
        excused: Whether no trial can have been the cause: the node was taken away.
    """

    node_id: str
    reason: str
    out_of_memory: bool = False
    excused: bool = False


@dataclasses.dataclass(frozen=True)
class NodeLeftOut:
    """No place will be asked for on a node any more, where agents die.

    Attributes:
        node: The node, as people call it.
        reason: Why, for people.
    """

    node: str
    reason: str


@dataclasses.dataclass(frozen=True)
class NodeRests:
    """The same for some time: Ray ends the agents there for want of memory.

    Attributes:
        node: The node, as people call it.
        reason: What Ray says.
        seconds: For how long.
    """

    node: str
    reason: str
    seconds: float


@dataclasses.dataclass(frozen=True)
class NodeDrains:
    """A node will be taken away; what runs there goes on until `NodeLeaves`."""

    node_id: str


@dataclasses.dataclass(frozen=True)
class NodeLeaves:
    """A node is about to be taken away: what runs there ends now.

    Attributes:
        node_id: The node.
        reason: Why, for people.
    """

    node_id: str
    reason: str


@dataclasses.dataclass(frozen=True)
class ClusterLost:
    """There is no cluster, or no place in it: the search cannot go on.

    Attributes:
        reason: What is so, from "Expected" to how to mend it.
    """

    reason: str


# Between the driver and an agent, beside the fork server's words.


@dataclasses.dataclass(frozen=True)
class Beat:
    """A sign of life, which an agent sends each second and the driver sends back.

    Attributes:
        sent_at: When the agent sent it, by its own clock.
    """

    sent_at: float


@dataclasses.dataclass(frozen=True)
class Setup:
    """What an agent has to know before its node can be used.

    Attributes:
        context: What workers take over from the process that started the search.
        user_path: The entries of its module search path that are no installation's.
        sources: What tells the code in them from other code: see `shipping.digests`.
        directory: Its working directory.
        environment: Variables to set.
        threads: Variables that the numeric libraries read when they are loaded.
        preload: Names of the modules that are imported once for all workers.
        versions: Versions of what must be the same everywhere, by name.
        study_directory: Path or URI of the study.
        token: What to write into the study's directory to show that it is the same one.
        reads: Paths or URIs of files that trials read.
        lease_s: So many seconds after the last sign of life that the driver has heard of
            it an agent ends.
    """

    context: ProcessContext
    user_path: tuple[str, ...]
    sources: Mapping[str, str]
    directory: str
    environment: Mapping[str, str]
    threads: Mapping[str, str]
    preload: tuple[str, ...]
    versions: Mapping[str, str]
    study_directory: str
    token: str
    reads: tuple[str, ...]
    lease_s: float


@dataclasses.dataclass(frozen=True)
class StudySeen:
    """The agent has written the token into the study's directory, under this name."""

    name: str


@dataclasses.dataclass(frozen=True)
class NodeReady:
    """The node can take workers now, or the driver.

    Attributes:
        ports: Some on which nothing listens there.
    """

    ports: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class NodeUnfit:
    """The node cannot be used; the agent has ended.

    Attributes:
        reason: Why, for people.
    """

    reason: str


@dataclasses.dataclass(frozen=True)
class LargestWorker:
    """The worker of the node that has the most memory is another one now."""

    worker_id: str


@dataclasses.dataclass(frozen=True)
class LogGrew:
    """Something was printed on the node.

    Attributes:
        path: The log, relative to the directory of logs.
        data: What is new.
    """

    path: str
    data: bytes
