"""Places for workers in a Ray cluster.

Each place is a placement group of its own, with a bundle for each process of a trial, and
all are asked for at once: the search begins with the first that is there, and an autoscaler
sees how many are wanted. Ray finds another node for a place whose node has died.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import ray
from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.ray.messages import (
    PlaceClosed,
    PlaceOpened,
    Share,
)

_NODE_LABEL = "ray.io/node-id"


def needs(options: SearchOptions) -> dict[str, float]:
    """The resources of one process of a trial, as Ray names them."""
    cluster = options.cluster
    assert cluster is not None
    memory = int((cluster.memory_gib_per_trial or 0) * 2**30)
    resources = {
        "CPU": options.cpus_per_trial or 1,
        "GPU": options.gpus_per_trial or 0,
        "memory": memory,
        **cluster.resources_per_trial,
    }
    return {name: amount for name, amount in resources.items() if amount}


def elsewhere(left_out: Iterable[str]) -> dict[str, str] | None:
    """The label of all nodes but these, as Ray selects them; None for all nodes.

    Ray has no other way to say where something must not be.
    """
    ids = ",".join(sorted(left_out))
    return {_NODE_LABEL: f"!in({ids})"} if ids else None


@dataclasses.dataclass
class _Place:
    """One of the places.

    Attributes:
        group: Its placement group.
        holders: The actors that have its GPUs, if it has any.
        gpus: The references to their names.
        node_ids: Where its bundles are; empty as long as it is nowhere.
    """

    group: Any
    holders: list[Any] = dataclasses.field(default_factory=list)
    gpus: list[Any] = dataclasses.field(default_factory=list)
    node_ids: tuple[str, ...] = ()

    def leave(self) -> None:
        """Takes note that it is not where it was."""
        self.holders, self.gpus, self.node_ids = [], [], ()


class Places:
    """Asks a cluster for places, and follows what becomes of them.

    Args:
        options: How many, and what each needs.
        name: What people see in Ray's dashboard.
    """

    def __init__(self, options: SearchOptions, name: str) -> None:
        assert options.cluster is not None
        self._needs = needs(options)
        self._size = options.cluster.workers_per_trial
        self._name = name
        self._left_out: set[str] = set()
        self._places = {
            slot: _Place(self._ask(slot)) for slot in range(options.num_workers)
        }

    @property
    def waiting(self) -> int:
        """How many of them the cluster has not given."""
        return sum(not place.node_ids for place in self._places.values())

    @property
    def node_ids(self) -> set[str]:
        """The nodes that there are places on."""
        return {n for place in self._places.values() for n in place.node_ids}

    def look(self, nodes: Mapping[str, str]) -> list[PlaceOpened | PlaceClosed]:
        """What has changed since the last look.

        Args:
            nodes: The addresses of the nodes that are alive, by their ids.
        """
        table = placement_group_table()
        news: list[PlaceOpened | PlaceClosed] = []
        for slot, place in self._places.items():
            now = _nodes_of(table.get(place.group.id.hex(), {}))
            if place.node_ids and now != place.node_ids:
                news.append(PlaceClosed(slot))
                place.leave()
            if now and not place.node_ids and nodes.keys() >= set(now):
                gpus = self._gpus(place, slot)
                if gpus is not None:
                    place.node_ids = now
                    shares = tuple(
                        Share(node_id, nodes[node_id], own)
                        for node_id, own in zip(now, gpus, strict=True)
                    )
                    news.append(PlaceOpened(slot, shares))
        return news

    def resize(self, workers: int) -> None:
        """Asks for the places that are missing of so many."""
        for slot in range(workers):
            if slot not in self._places:
                self._places[slot] = _Place(self._ask(slot))

    def give_back(self, slot: int) -> None:
        """Does without a place from now on."""
        if place := self._places.pop(slot, None):
            remove_placement_group(place.group)

    def leave(self, node_id: str, for_good: bool) -> list[PlaceClosed]:
        """Gives back the places on a node, and asks for others instead.

        Args:
            node_id: The node.
            for_good: Whether the node must not be used any more.
        """
        if for_good:
            self._left_out.add(node_id)
        news = []
        for slot, place in self._places.items():
            # One that is nowhere yet may be about to be there.
            if node_id in place.node_ids or (for_good and not place.node_ids):
                if place.node_ids:
                    news.append(PlaceClosed(slot))
                self._ask_anew(slot)
        return news

    def take_back(self, node_id: str) -> None:
        """A node that was left may be used again."""
        self._left_out.discard(node_id)
        for slot, place in self._places.items():
            if not place.node_ids:
                self._ask_anew(slot)

    def _ask_anew(self, slot: int) -> None:
        remove_placement_group(self._places[slot].group)
        self._places[slot] = _Place(self._ask(slot))

    def _ask(self, slot: int) -> Any:
        others = elsewhere(self._left_out)
        return placement_group(
            [self._needs] * self._size,
            name=f"{self._name}/place-{slot}",
            bundle_label_selector=[others] * self._size if others else None,
        )

    def _gpus(self, place: _Place, slot: int) -> list[tuple[str, ...]] | None:
        """The GPUs of each bundle, which only actors there can tell; None: not yet."""
        share = self._needs.get("GPU")
        if not share:
            return [()] * self._size
        if not place.holders:
            for bundle in range(self._size):
                strategy = PlacementGroupSchedulingStrategy(place.group, bundle)
                holder = _RemoteHolder.options(
                    name=f"{self._name}/place-{slot}/{bundle}",
                    num_gpus=share,
                    scheduling_strategy=strategy,
                ).remote()
                place.holders.append(holder)
                place.gpus.append(holder.gpus.remote())
        _, missing = ray.wait(place.gpus, num_returns=self._size, timeout=0)
        if missing:
            return None
        try:
            names: list[list[str]] = ray.get(place.gpus)
        except ray.exceptions.RayError:
            # A node of it has gone; there will be another.
            place.leave()
            return None
        return [tuple(own) for own in names]


class _Holder:
    """Holds the GPUs of a place, and can tell which they are."""

    def gpus(self) -> list[str]:
        return [str(gpu) for gpu in ray.get_gpu_ids()]


_RemoteHolder = ray.remote(num_cpus=0, max_restarts=0)(_Holder)


def _nodes_of(known: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a placement group's bundles are, by its row of the table; () if nowhere."""
    if known.get("state") != "CREATED":
        return ()
    by_bundle = {int(n): node for n, node in known["bundles_to_node_id"].items()}
    nodes = [by_bundle[bundle] for bundle in sorted(by_bundle)]
    return tuple(nodes) if all(nodes) else ()
