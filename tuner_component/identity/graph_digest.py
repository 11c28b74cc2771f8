"""What a saved model computes, however its nodes and functions are called.

TensorFlow gives nodes, functions and resources new names whenever it makes a graph. So a
node is known here by what it does and what it is connected to. At first its label says
only what it does. Each round hashes the labels of its neighbours into it, until a round
tells no more nodes apart. This is colour refinement (B. Weisfeiler and A. Leman, "The
reduction of a graph to canonical form", 1968). Loops, tables and calls of functions need
no rules of their own: they are edges like others.
"""

import collections
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from tensorflow.core.framework import function_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

# Attributes that hold names, or say on what to run. So do those that begin with an
# underscore.
_IGNORED = {"config_proto", "container", "executor_type", "frame_name", "shared_name"}

# Graphs take about ten. A round looks one edge further: what takes more than this has a
# hundred equal operations in a row.
_MOST_ROUNDS = 50

# The function that a node is in ("" for the graph itself) and its name there ("" for all
# of the function). An operation of TensorFlow's stands as a function without a body.
_Key = tuple[str, str]


def digest(model: saved_model_pb2.SavedModel) -> str:
    """Returns a digest of a saved model's graphs.

    Neither names nor the order of nodes count; what is wired to what does. The values of
    variables and the content of assets lie in other files.

    Args:
        model: Parsed from `saved_model.pb`.
    """
    found = [_Graph(meta).digest() for meta in model.meta_graphs]
    if not all(found):
        # That counts names, so the search may start again; without the rounds that are
        # missing, another graph might be taken for this one.
        return _hash(model.SerializeToString(deterministic=True)).hex()
    return _hash(sorted(found)).hex()


class _Graph:
    """A graph together with the functions that it calls."""

    def __init__(self, meta: meta_graph_pb2.MetaGraphDef) -> None:
        library = meta.graph_def.library.function
        # What each node does; functions are told apart by their bodies.
        self._labels = {(function.signature.name, ""): _hash() for function in library}
        # How each is connected, and to what: a hash, and a key.
        self._edges: dict[_Key, list[Any]] = collections.defaultdict(list)
        assets = {_source(a.tensor_info.name)[0]: a.filename for a in _assets(meta)}
        for node in meta.graph_def.node:
            self._add_node("", node, assets.get(node.name))
        for key, signature in meta.signature_def.items():
            for kind in ("inputs", "outputs"):
                for name, info in getattr(signature, kind).items():
                    for part, tensor in enumerate(_tensors(info)):
                        self._add_use("", tensor, key, kind, name, part)
        for function in library:
            self._add_function(function)

    def digest(self) -> str:
        """Returns a digest of all but the names; "" if that takes too many rounds."""
        labels, count = self._labels, 0
        for _ in range(_MOST_ROUNDS):
            labels = {key: self._next_label(key, labels) for key in labels}
            # If this round told no more nodes apart, no other will. And its labels have
            # those of the neighbours in them: all together, they have the wiring.
            before, count = count, len(set(labels.values()))
            if count == before:
                return _hash(sorted(labels.values())).hex()
        return ""

    def _next_label(self, key: _Key, labels: Mapping[_Key, bytes]) -> bytes:
        neighbours = sorted(kind + labels[other] for kind, other in self._edges[key])
        return hashlib.sha256(labels[key] + b"".join(neighbours)).digest()

    def _add_function(self, function: function_pb2.FunctionDef) -> None:
        name, signature = function.signature.name, function.signature
        for position, argument in enumerate(signature.input_arg):
            self._add((name, argument.name), "argument", position, argument.type)
        for node in function.node_def:
            self._add_node(name, node)
        for position, result in enumerate(signature.output_arg):
            self._add_use(name, function.ret[result.name], "result", position)
        for effect in function.control_ret.values():
            self._add_use(name, effect, "effect")

    def _add_node(
        self, function: str, node: node_def_pb2.NodeDef, asset: str | None = None
    ) -> None:
        key = (function, node.name)
        # The value of an asset's node is where its file was when the graph was made.
        ignored = _IGNORED if asset is None else {*_IGNORED, "value"}
        attributes = []
        self._labels.setdefault((node.op, ""), _hash(node.op))
        self._connect((node.op, ""), key, "calls")
        for name, value in sorted(node.attr.items()):
            called = [f.name for f in (value.func, *value.list.func) if f.name]
            for position, callee in enumerate(called):
                self._connect((callee, ""), key, "calls", name, position)
            if not (called or name in ignored or name.startswith("_")):
                attributes.append((name, value.SerializeToString(deterministic=True)))
        self._add(key, asset, attributes)
        for position, tensor in enumerate(node.input):
            source, output = _source(tensor.removeprefix("^"))
            place = "before" if tensor.startswith("^") else (position, output)
            self._connect((function, source), key, place)

    def _add_use(self, function: str, tensor: str, *use: Any) -> None:
        """Adds a node for what a tensor is to those outside of the graph."""
        source, output = _source(tensor)
        key = (function, repr((tensor, use)))  # No other node has such a name.
        self._add(key, use)
        self._connect((function, source), key, output)

    def _add(self, key: _Key, *does: Any) -> None:
        self._connect((key[0], ""), key, "body")
        self._labels[key] = _hash(does)

    def _connect(self, source: _Key, target: _Key, *kind: Any) -> None:
        for one, other, way in ((source, target, "to"), (target, source, "from")):
            self._labels.setdefault(
                one, _hash()
            )  # It comes later, if it is there at all.
            self._edges[one].append((_hash(way, kind), other))


def _assets(meta: meta_graph_pb2.MetaGraphDef) -> Iterator[meta_graph_pb2.AssetFileDef]:
    yield from meta.asset_file_def
    if "saved_model_assets" in meta.collection_def:  # As TensorFlow 1 has them.
        for packed in meta.collection_def["saved_model_assets"].any_list.value:
            yield meta_graph_pb2.AssetFileDef.FromString(packed.value)


def _tensors(info: meta_graph_pb2.TensorInfo) -> Iterator[str]:
    """The names of the tensors that an input or an output consists of."""
    yield from (name for _, name in info.coo_sparse.ListFields())
    for component in info.composite_tensor.components:
        yield from _tensors(component)
    if info.name:
        yield info.name


def _source(tensor: str) -> tuple[str, str]:
    """The node that a tensor comes from, and which of its outputs it is."""
    name, _, output = tensor.partition(":")
    return name, output or "0"


def _hash(*parts: Any) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()
