"""What a saved model computes, however its nodes and functions are called.

TensorFlow names nodes, functions and resources anew whenever it makes a graph. So a node
is known here by what it does and by what comes in: its digest has those of its inputs in
it, in their order, as in a Merkle tree.
"""

import collections
import contextlib
import dataclasses
import graphlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tensorflow.core.framework import attr_value_pb2, function_pb2, node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

# Attributes that hold names, or say on what to run. So do those that begin with an
# underscore.
_IGNORED = {"config_proto", "container", "executor_type", "frame_name", "shared_name"}

_ASSETS = "saved_model_assets"

# Loops of TensorFlow 1 go back through these, and through nothing else.
_BACK_EDGES = {"NextIteration", "RefNextIteration"}


def digest(model: saved_model_pb2.SavedModel) -> str:
    """Returns a digest of a saved model's graphs.

    Neither names nor the order of nodes count; what is wired to what does. The values of
    variables and the content of assets lie in other files.

    Args:
        model: Parsed from `saved_model.pb`.
    """
    return _hash(sorted(map(_meta_graph, model.meta_graphs)))


def _meta_graph(meta: meta_graph_pb2.MetaGraphDef) -> str:
    functions = _functions(meta.graph_def.library.function)
    roles = _roles(meta)
    nodes = {
        node.name: _Node.of(node, functions, roles.get(node.name, ()))
        for node in meta.graph_def.node
    }
    found = _digests(nodes, {})
    signatures = [
        (key, _interface(signature.inputs, found), _interface(signature.outputs, found))
        for key, signature in sorted(meta.signature_def.items())
    ]
    return _hash(signatures, sorted(found.values()), sorted(functions.values()))


def _interface(tensors: Mapping[str, Any], found: Mapping[str, str]) -> list[Any]:
    return [
        (key, [_tensor(name, found) for name in _names(info)])
        for key, info in sorted(tensors.items())
    ]


def _roles(meta: meta_graph_pb2.MetaGraphDef) -> dict[str, list[tuple[str, ...]]]:
    """What nodes are to those outside of the graph: which input, or which asset."""
    roles: dict[str, list[tuple[str, ...]]] = collections.defaultdict(list)
    for key, signature in sorted(meta.signature_def.items()):
        for name, info in sorted(signature.inputs.items()):
            for part, tensor in enumerate(_names(info)):
                node, output = _source(tensor)
                roles[node].append(("input", key, name, str(part), output))
    for asset in _assets(meta):
        node, _ = _source(asset.tensor_info.name)
        roles[node].append(("asset", asset.filename))
    return roles


def _assets(meta: meta_graph_pb2.MetaGraphDef) -> Iterator[meta_graph_pb2.AssetFileDef]:
    yield from meta.asset_file_def
    if _ASSETS in meta.collection_def:  # As TensorFlow 1 has it.
        for packed in meta.collection_def[_ASSETS].any_list.value:
            yield meta_graph_pb2.AssetFileDef.FromString(packed.value)


def _names(info: meta_graph_pb2.TensorInfo) -> Iterator[str]:
    """The tensors that an input or an output consists of."""
    if info.HasField("coo_sparse"):
        sparse = info.coo_sparse
        yield sparse.values_tensor_name
        yield sparse.indices_tensor_name
        yield sparse.dense_shape_tensor_name
    elif info.HasField("composite_tensor"):
        for component in info.composite_tensor.components:
            yield from _names(component)
    else:
        yield info.name


def _functions(library: Iterable[function_pb2.FunctionDef]) -> dict[str, str]:
    """Digests of functions by name; those that are called come before their callers."""
    by_name = {function.signature.name: function for function in library}
    calls = {
        name: [callee for callee in _callees(function) if callee in by_name]
        for name, function in by_name.items()
    }
    found: dict[str, str] = {}
    for name in _in_order(calls):
        found[name] = _function(by_name[name], found)
    # Those that call themselves.
    found.update({n: _function(by_name[n], found) for n in calls.keys() - found.keys()})
    return found


def _callees(function: function_pb2.FunctionDef) -> Iterator[str]:
    for node in function.node_def:
        yield node.op  # Functions of TensorFlow 1 are called like operations.
        for value in node.attr.values():
            yield from (called.name for called in (value.func, *value.list.func))


def _function(function: function_pb2.FunctionDef, functions: Mapping[str, str]) -> str:
    arguments = {
        argument.name: _hash("argument", position, argument.type)
        for position, argument in enumerate(function.signature.input_arg)
    }
    nodes = {node.name: _Node.of(node, functions) for node in function.node_def}
    found = _digests(nodes, arguments)
    results = [
        _tensor(function.ret[result.name], found)
        for result in function.signature.output_arg
    ]
    effects = sorted(found[name] for name in function.control_ret.values())
    return _hash(len(arguments), results, effects, sorted(found.values()))


@dataclasses.dataclass(frozen=True)
class _Node:
    """A node without its name.

    Attributes:
        does: Digest of its operation and attributes.
        inputs: Name and output of the nodes from which its inputs come.
        after: Names of the nodes that must run before it.
        goes_back: Whether it closes a loop.
    """

    does: str
    inputs: list[tuple[str, str]]
    after: list[str]
    goes_back: bool

    @classmethod
    def of(
        cls,
        node: node_def_pb2.NodeDef,
        functions: Mapping[str, str],
        roles: Iterable[tuple[str, ...]] = (),
    ) -> "_Node":
        roles = list(roles)
        is_asset = any(role[0] == "asset" for role in roles)
        attributes = [
            (key, _attribute(value, functions))
            for key, value in sorted(node.attr.items())
            if key not in _IGNORED
            and not key.startswith("_")
            # Where an asset was when the graph was made.
            and not (is_asset and key == "value")
        ]
        operation = functions.get(node.op, node.op)
        return cls(
            does=_hash(operation, attributes, roles),
            inputs=[_source(name) for name in node.input if not name.startswith("^")],
            after=[name[1:] for name in node.input if name.startswith("^")],
            goes_back=node.op in _BACK_EDGES,
        )


def _attribute(value: attr_value_pb2.AttrValue, functions: Mapping[str, str]) -> str:
    called = [value.func] if value.HasField("func") else list(value.list.func)
    if called:
        return _hash([functions.get(function.name, "") for function in called])
    return hashlib.sha256(value.SerializeToString(deterministic=True)).hexdigest()


def _source(tensor: str) -> tuple[str, str]:
    """The node that a tensor comes from, and which of its outputs it is."""
    name, _, output = tensor.partition(":")
    return name, output or "0"


def _tensor(name: str, found: Mapping[str, str]) -> tuple[str, str]:
    node, output = _source(name)
    return found.get(node, ""), output


def _digests(
    nodes: Mapping[str, _Node], arguments: Mapping[str, str]
) -> dict[str, str]:
    """Digests by name, of nodes and arguments.

    Nothing comes into a table, a variable or the end of a loop that would tell it from
    another one. So all is digested twice, and they count by their use the second time.
    """
    before = {
        name: []
        if node.goes_back
        else [n for n in (*dict(node.inputs), *node.after) if n in nodes]
        for name, node in nodes.items()
    }
    order = list(_in_order(before))
    rest = nodes.keys() - set(order)  # In a loop of a kind that is not known.

    def digested(uses: Mapping[str, list[Any]]) -> dict[str, str]:
        found = dict(arguments)

        def one(name: str) -> str:
            node = nodes[name]
            inputs = [] if node.goes_back else node.inputs
            data = [(found.get(source, ""), output) for source, output in inputs]
            after = sorted({found.get(source, "") for source in node.after})
            return _hash(node.does, data, after, sorted(uses.get(name, ())))

        for name in order:
            found[name] = one(name)
        return found | {name: one(name) for name in rest}

    return digested(_uses(nodes, digested({})))


def _uses(nodes: Mapping[str, _Node], found: Mapping[str, str]) -> dict[str, list[Any]]:
    """What becomes of that into which nothing comes; for the end of a loop, what comes."""
    uses = collections.defaultdict(list)
    for name, node in nodes.items():
        for position, (source, output) in enumerate(node.inputs):
            if node.goes_back:
                uses[name].append((found.get(source, ""), position, output))
            elif source in nodes and not nodes[source].inputs:
                uses[source].append((found[name], position, output))
    return uses


def _in_order(before: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yields each name after all those before it; leaves out what is in a circle."""
    sorter = graphlib.TopologicalSorter(before)
    with contextlib.suppress(graphlib.CycleError):
        sorter.prepare()
    while ready := sorter.get_ready():
        yield from ready
        sorter.done(*ready)


def _hash(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
