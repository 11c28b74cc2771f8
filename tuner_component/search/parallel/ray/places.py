"""Places for workers in a Ray cluster.

Each place is a placement group of its own, and all are asked for at once: the search
begins with the first that is there, and an autoscaler sees how many are wanted. Ray finds
another node for a place whose node has died.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import ray
from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from tuner_component.search.options import SearchOptions
from tuner_component.search.parallel.ray.messages import PlaceClosed, PlaceOpened

_NODE_LABEL = "ray.io/node-id"


def needs(options: SearchOptions) -> dict[str, float]:
    """The resources of one place, as Ray names them."""
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
        holder: The actor that has its GPUs, if it has any.
        gpus: The reference to their names.
        node_id: Where it is; None as long as it is nowhere.
    """

    group: Any
    holder: Any = None
    gpus: Any = None
    node_id: str | None = None


class Places:
    """Asks a cluster for places, and follows what becomes of them.

    Args:
        options: How many, and what each needs.
        name: What people see in Ray's dashboard.
    """

    def __init__(self, options: SearchOptions, name: str) -> None:
        self._needs = needs(options)
        self._name = name
        self._left_out: set[str] = set()
        self._places = {
            slot: _Place(self._ask(slot)) for slot in range(options.num_workers)
        }

    @property
    def waiting(self) -> int:
        """How many of them the cluster has not given."""
        return sum(place.node_id is None for place in self._places.values())

    @property
    def node_ids(self) -> set[str]:
        """The nodes that there are places on."""
        return {place.node_id for place in self._places.values() if place.node_id}

    def look(self, nodes: Mapping[str, str]) -> list[PlaceOpened | PlaceClosed]:
        """What has changed since the last look.

        Args:
            nodes: The addresses of the nodes that are alive, by their ids.
        """
        table = placement_group_table()
        news: list[PlaceOpened | PlaceClosed] = []
        for slot, place in self._places.items():
            known = table.get(place.group.id.hex(), {})
            now = _node_of(known)
            if place.node_id is not None and now != place.node_id:
                news.append(PlaceClosed(slot))
                place.node_id = place.holder = place.gpus = None
            if place.node_id is None and now is not None and now in nodes:
                gpus = self._gpus(place, slot)
                if gpus is not None:
                    place.node_id = now
                    news.append(PlaceOpened(slot, now, nodes[now], gpus))
        return news

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
            if place.node_id == node_id or (for_good and place.node_id is None):
                if place.node_id is not None:
                    news.append(PlaceClosed(slot))
                remove_placement_group(place.group)
                self._places[slot] = _Place(self._ask(slot))
        return news

    def _ask(self, slot: int) -> Any:
        others = elsewhere(self._left_out)
        return placement_group(
            [self._needs],
            name=f"{self._name}/place-{slot}",
            bundle_label_selector=[others] if others else None,
        )

    def _gpus(self, place: _Place, slot: int) -> tuple[str, ...] | None:
        """The GPUs of a place, which only an actor in it can tell; None: not yet."""
        share = self._needs.get("GPU")
        if not share:
            return ()
        if place.holder is None:
            strategy = PlacementGroupSchedulingStrategy(place.group)
            place.holder = _RemoteHolder.options(
                name=f"{self._name}/place-{slot}",
                num_gpus=share,
                scheduling_strategy=strategy,
            ).remote()
            place.gpus = place.holder.gpus.remote()
        ready, _ = ray.wait([place.gpus], timeout=0)
        if not ready:
            return None
        try:
            names: list[str] = ray.get(place.gpus)
        except ray.exceptions.RayError:
            # Its node has gone; there will be another.
            place.holder = place.gpus = None
            return None
        return tuple(names)


class _Holder:
    """Holds the GPUs of a place, and can tell which they are."""

    def gpus(self) -> list[str]:
        return [str(gpu) for gpu in ray.get_gpu_ids()]


_RemoteHolder = ray.remote(num_cpus=0, max_restarts=0)(_Holder)


def _node_of(known: Mapping[str, Any]) -> str | None:
    """Where a placement group is, by its row of the table; None if it is nowhere."""
    if known.get("state") != "CREATED":
        return None
    return next(iter(known["bundles_to_node_id"].values()), None) or None
