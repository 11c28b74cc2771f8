"""What a saved model computes, however its nodes and functions are called."""

import random
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.framework import node_def_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from tuner_component.identity import graph_digest

Build = Callable[[Any, Any], dict[str, Any]]


def model(build: Build, scope: str = "scope") -> saved_model_pb2.SavedModel:
    """A saved model of a graph with the inputs `a` and `b`."""
    with tf.Graph().as_default() as graph, tf.name_scope(scope):
        inputs = {k: tf.compat.v1.placeholder(tf.float32, [None]) for k in "ab"}
        outputs = build(*inputs.values())
    result = saved_model_pb2.SavedModel()
    meta = result.meta_graphs.add()
    meta.graph_def.CopyFrom(graph.as_graph_def())
    signature = meta.signature_def["serving_default"]
    for tensors, known in ((signature.inputs, inputs), (signature.outputs, outputs)):
        for key, tensor in known.items():
            tensors[key].name = tensor.name
    return result


def digest(build: Build, scope: str = "scope") -> str:
    return graph_digest.digest(model(build, scope))


def call(function: Callable[[Any, Any], Any]) -> Build:
    return lambda a, b: {"y": tf.function(function)(a, b)}


def first_of(function: Callable[[Any, Any], Any]) -> Build:
    return lambda a, b: {"y": tf.function(function)(a, b)[0]}


def loop(body: Callable[[Any, Any], Any]) -> Build:
    """Applies a body three times, in a loop as TensorFlow 1 has it."""

    def build(a: Any, b: Any) -> dict[str, Any]:
        tf.compat.v1.disable_control_flow_v2()
        try:
            _, x, y = tf.compat.v1.while_loop(
                lambda i, x, y: i < 3,
                lambda i, x, y: (i + 1, *body(x, y)),
                (tf.constant(0), a, b),
            )
        finally:
            tf.compat.v1.enable_control_flow_v2()
        return {"x": x, "y": y}

    return build


def tables(first: str, second: str) -> Build:
    """Looks one thing up in two tables, which are made by the same operation."""

    def table(file: str) -> Any:
        handle = tf.raw_ops.HashTableV2(
            key_dtype=tf.string, value_dtype=tf.int64, shared_name=str(uuid.uuid4())
        )
        tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=handle, filename=file, key_index=-2, value_index=-1
        )
        return handle

    def build(a: Any, b: Any) -> dict[str, Any]:
        handles = {file: table(file) for file in ("one", "two")}
        default = tf.constant(0, tf.int64)
        keys = {"y": tf.as_string(a), "z": tf.as_string(b)}
        return {
            name: tf.raw_ops.LookupTableFindV2(
                table_handle=handles[file], keys=keys[name], default_value=default
            )
            for name, file in (("y", first), ("z", second))
        }

    return build


def after(which: str) -> Build:
    def build(a: Any, b: Any) -> dict[str, Any]:
        with tf.control_dependencies([{"a": a, "b": b}[which]]):
            return {"y": tf.constant(1.0)}

    return build


def far(first: str, second: str) -> Build:
    """Outputs that are many equal operations away from their inputs."""

    def build(a: Any, b: Any) -> dict[str, Any]:
        for _ in range(60):
            a, b = tf.negative(a), tf.negative(b)
        return {first: a, second: b}

    return build


def mixed(a: Any, b: Any) -> dict[str, Any]:
    """Some of everything."""
    return {
        **tables("one", "two")(a, b),
        **loop(lambda x, y: (x - y, y))(a, b),
        **call(lambda x, y: tf.cond(x[0] > 1.0, lambda: x / y, lambda: y))(a, b),
    }


def test_names_and_order_do_not_count() -> None:
    """A pipeline without cache would start a new search after every crash."""
    once, again = model(mixed, "once"), model(mixed, "again")
    graph = again.meta_graphs[0].graph_def
    for repeated in (graph.node, graph.library.function):
        shuffled = random.Random(1).sample(list(repeated), len(repeated))
        del repeated[:]
        repeated.extend(shuffled)
    assert {node.op for node in graph.node} > {"NextIteration", "HashTableV2"}
    names = [
        {
            function.signature.name
            for function in m.meta_graphs[0].graph_def.library.function
        }
        for m in (once, again)
    ]
    assert names[0].isdisjoint(names[1])
    assert graph_digest.digest(once) == graph_digest.digest(again)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (lambda a, b: {"y": a - b}, lambda a, b: {"y": b - a}),
        (lambda a, b: {"y": a * 2.0}, lambda a, b: {"y": a * 3.0}),
        (lambda a, b: {"y": a + 1, "z": b + 1}, lambda a, b: {"y": b + 1, "z": a + 1}),
        (
            lambda a, b: {"y": tf.split(a, 2)[0]},
            lambda a, b: {"y": tf.split(a, 2)[1]},
        ),
        (call(lambda a, b: a - b), call(lambda a, b: b - a)),
        (
            first_of(lambda a, b: (a + b, a * b)),
            first_of(lambda a, b: (a * b, a + b)),
        ),
        (
            call(lambda a, b: tf.cond(a[0] > b[0], lambda: a, lambda: b)),
            call(lambda a, b: tf.cond(a[0] > b[0], lambda: b, lambda: a)),
        ),
        (loop(lambda x, y: (x, y)), loop(lambda x, y: (y, x))),
        (tables("one", "two"), tables("two", "one")),
        (far("y", "z"), far("z", "y")),
        (after("a"), after("b")),
    ],
    ids=[
        "inputs",
        "constant",
        "outputs",
        "output of an operation",
        "inputs in a function",
        "results of a function",
        "branches",
        "ends of a loop",
        "tables",
        "far outputs",
        "control inputs",
    ],
)
def test_wiring_counts(before: Build, now: Build) -> None:
    """Trials with other features would be mixed."""
    assert digest(before) == digest(before)
    assert digest(before) != digest(now)


def test_place_of_an_asset_does_not_count_but_its_name_does() -> None:
    """Vocabularies are made in a temporary directory, whose path is left in the graph."""

    def with_asset(path: str, filename: str, as_in_1: bool) -> str:
        result = model(lambda a, b: {"y": tf.constant(path)})
        asset = meta_graph_pb2.AssetFileDef(filename=filename)
        meta = result.meta_graphs[0]
        asset.tensor_info.name = meta.signature_def["serving_default"].outputs["y"].name
        if as_in_1:
            packed = meta.collection_def["saved_model_assets"].any_list.value.add()
            packed.Pack(asset)
        else:
            meta.asset_file_def.append(asset)
        return graph_digest.digest(result)

    for as_in_1 in (False, True):
        once = with_asset("/tmp/1/words", "words", as_in_1)
        assert once == with_asset("/tmp/2/words", "words", as_in_1)
        assert once != with_asset("/tmp/1/words", "others", as_in_1)


def chain(length: int, first: str = "") -> saved_model_pb2.SavedModel:
    result = saved_model_pb2.SavedModel()
    nodes = result.meta_graphs.add().graph_def.node
    for number in range(length):
        nodes.add(
            name=f"n{number}", op="Neg", input=[f"n{number - 1}" if number else first]
        )
    return result


def test_depth_is_no_limit() -> None:
    """The digest of a deep model would end with a RecursionError."""
    assert graph_digest.digest(chain(2000)) != graph_digest.digest(chain(2001))


def test_circles_end() -> None:
    """A graph that no session would run would hang the component, or end it."""
    circle = chain(4, first="n3")
    circle.meta_graphs[0].graph_def.node.add(name="behind", op="Exp", input=["n2"])
    function = circle.meta_graphs[0].graph_def.library.function.add()
    function.signature.name = "itself"
    function.node_def.append(node_def_pb2.NodeDef(name="again", op="itself"))
    before = graph_digest.digest(circle)
    assert before == graph_digest.digest(circle)
    circle.meta_graphs[0].graph_def.node[0].op = "Abs"
    assert graph_digest.digest(circle) != before


def test_names_of_functions_that_call_each_other_do_not_count() -> None:
    """What is digested first would have to be digested without the other."""

    def pair(one: str, two: str) -> str:
        result = chain(1)
        library = result.meta_graphs[0].graph_def.library
        for name, operation, other in ((one, "Neg", two), (two, "Exp", one)):
            function = library.function.add()
            function.signature.name = name
            function.node_def.add(name="does", op=operation)
            function.node_def.add(name="calls", op=other, input=["does"])
        return graph_digest.digest(result)

    assert pair("a", "b") == pair("d", "c")


@pytest.mark.slow
def test_transform_graph_made_anew_is_the_same(tmp_path: Path) -> None:
    """What Transform writes would be new each time, for all that the others show."""
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

    kinds = {"n": tf.float32, "w": tf.string}
    metadata = dataset_metadata.DatasetMetadata(
        schema_utils.schema_from_feature_spec(
            {name: tf.io.FixedLenFeature([], kind) for name, kind in kinds.items()}
        )
    )

    def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
        number, word = inputs["n"], inputs["w"]
        return {
            "n": number - tft.mean(number),
            "w": tft.compute_and_apply_vocabulary(word),
        }

    def transform() -> saved_model_pb2.SavedModel:
        data = [{"n": float(n), "w": f"w{n % 5}"} for n in range(20)]
        with tft_beam.Context(temp_dir=tempfile.mkdtemp(dir=tmp_path)):
            ((path,), _) = (data, metadata) | tft_beam.AnalyzeDataset(preprocessing_fn)
        saved = Path(path) / "saved_model.pb"
        return saved_model_pb2.SavedModel.FromString(saved.read_bytes())

    once, again = transform(), transform()
    assert once.SerializeToString(deterministic=True) != again.SerializeToString(
        deterministic=True
    )
    assert graph_digest.digest(once) == graph_digest.digest(again)
