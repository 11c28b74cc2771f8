"""Files as the executor's input artifacts: linked, or converted once and kept."""

import argparse
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from tfx.types import artifact_utils, standard_artifacts

from tuner_component.inputs import arrays, conversion, inputs, parquet, remote
from tuner_component.inputs.inputs import Inputs
from tuner_component.inputs.whole import make
from tuner_component.search.storage import files

_SPLITS = ("train", "eval")


def artifacts(args: argparse.Namespace, directory: str) -> dict[str, list[Any]]:
    """Returns the executor's inputs.

    Args:
        args: Of the command `tune`.
        directory: For what has to be converted; several searches may use it at once.

    Raises:
        ValueError: If there is a mistake in the data.
    """
    uri, schema = _data(args, directory)
    result = {"examples": [_examples(uri)]}
    if args.schema:
        result["schema"] = [_schema(args.schema, directory)]
    elif schema:
        result["schema"] = [_artifact("Schema", schema)]
    if args.transform_graph:
        result["transform_graph"] = [_artifact("TransformGraph", args.transform_graph)]
    if args.base_model:
        result["base_model"] = [_artifact("Model", args.base_model)]
    return result


def _data(args: argparse.Namespace, directory: str) -> tuple[str, str | None]:
    """The directory of the examples, and that of a schema if one was found."""
    alone = args.train[0] if len(args.train) == 1 and not args.eval else ""
    if files.is_remote(alone) and remote.is_artifact(alone):
        return alone, None
    copies = os.path.join(directory, "copies")
    given = inputs.found(
        *([remote.fetched(path, copies) for path in p] for p in (args.train, args.eval))
    )
    if given.kind == inputs.EXAMPLES:
        return given.train[0], None
    # What was converted before is used again: Beam would write the rows in another
    # order, and a search that goes on should train on the same data.
    home = os.path.join(directory, _digest(given))
    make(home, lambda aside: _fill(aside, given))
    schema = os.path.join(home, "schema")
    return os.path.join(home, "examples"), schema if os.path.isdir(schema) else None


def _fill(home: str, given: Inputs) -> None:
    """Makes examples of files, and a schema where that is to be had."""
    uri, schema = os.path.join(home, "examples"), os.path.join(home, "schema")
    splits = {"train": given.train, "eval": given.eval}
    if given.kind == inputs.IMAGES:
        _link_images(given, uri)
    elif given.kind == inputs.NPZ:
        arrays.convert(splits, uri, schema)
    elif given.kind == inputs.PARQUET:
        parquet.convert(splits, uri)
        conversion.infer_schema(uri, schema)
    elif given.kind == inputs.TFRECORD and given.eval:
        for split, paths in splits.items():
            _link(paths, os.path.join(uri, f"Split-{split}"))
    else:
        conversion.convert(given.kind, splits, _examples(uri), home)
        if given.kind != inputs.TFRECORD:
            conversion.infer_schema(uri, schema)


def _examples(uri: str) -> Any:
    examples = standard_artifacts.Examples()
    examples.uri = uri
    examples.split_names = artifact_utils.encode_split_names(list(_SPLITS))
    return examples


def _digest(given: Inputs) -> str:
    """A name for the content of files."""
    digest = hashlib.sha256()
    for split, paths in (("train", given.train), ("eval", given.eval)):
        for path in paths:
            for name, file_path in _files(path):
                digest.update(f"{split} {name} ".encode())
                _add_content(digest, file_path)
    return digest.hexdigest()[:16]


def _files(path: str) -> Iterator[tuple[str, str]]:
    """Names and paths of a file, or of the images in a directory."""
    if not os.path.isdir(path):
        yield os.path.basename(path), path
        return
    for name in inputs.classes_in(path):
        for image in inputs.images_in(os.path.join(path, name)):
            yield os.path.join(name, image), os.path.join(path, name, image)


def _add_content(digest: Any, path: str) -> None:
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)


def _artifact(kind: str, path: str) -> Any:
    if not os.path.isdir(path):
        raise ValueError(
            f"Expected a directory with a {kind}. Received: {path}, which is not a "
            "directory."
        )
    artifact = getattr(standard_artifacts, kind)()
    artifact.uri = os.path.abspath(path)
    return artifact


def _schema(path: str, directory: str) -> Any:
    """The schema artifact: a directory that holds only the schema."""
    if os.path.isdir(path):
        return _artifact("Schema", path)
    digest = hashlib.sha256(b"schema ")
    _add_content(digest, path)
    home = os.path.join(directory, f"schema-{digest.hexdigest()[:16]}")

    def fill(aside: str) -> None:
        os.mkdir(os.path.join(aside, "schema"))
        shutil.copy(path, os.path.join(aside, "schema", "schema.pbtxt"))

    make(home, fill)
    return _artifact("Schema", os.path.join(home, "schema"))


def _link(paths: Sequence[str], directory: str) -> None:
    os.makedirs(directory)
    for number, path in enumerate(paths):
        # By the end of its name TFX knows whether it is compressed.
        name = f"{number:05}-{os.path.basename(path).removesuffix('.gz')}"
        if inputs.is_gzip(path):
            name += ".gz"
        os.symlink(path, os.path.join(directory, name))


def _link_images(given: Inputs, uri: str) -> None:
    """Makes folders of all classes in each split.

    Keras numbers the classes of a split by its folders: without one for a class that has no
    images there, the numbers would be others than in the other split.
    """
    folders = {
        name for p in (*given.train, *given.eval) for name in inputs.classes_in(p)
    }
    for split in _SPLITS:
        for name in folders:
            os.makedirs(os.path.join(uri, f"Split-{split}", name))
    for split, paths in (("train", given.train), ("eval", given.eval)):
        for number, path in enumerate(paths):
            for name, file_path in _files(path):
                into = split if given.eval else _split_of(name)
                folder, image = os.path.split(name)
                directory = os.path.join(uri, f"Split-{into}", folder)
                os.symlink(file_path, os.path.join(directory, f"{number:05}-{image}"))


def _split_of(name: str) -> str:
    """Sets some images apart; the same ones always, whatever is beside them."""
    return "train" if zlib.crc32(name.encode()) % inputs.SET_APART else "eval"
