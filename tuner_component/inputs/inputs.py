"""What --train and --eval name: found, expanded and checked before TFX is imported."""

import codecs
import dataclasses
import glob
import gzip
import os
import struct
import zlib
from collections.abc import Iterable, Sequence

from tuner_component.documents import compression
from tuner_component.inputs import tables
from tuner_component.search.storage import files

_MOST = 2**63 - 1
CSV, EXAMPLES, IMAGES = "CSV", "Examples", "images"
NPZ, PARQUET, TFRECORD = "npz", "Parquet", "TFRecord"

TAKES = (
    "TFRecord files of tf.Examples, .csv files with a header line, .parquet files, .npz "
    "files, a directory of such files, a directory of images by class (a folder for each "
    "class), the directory of an Examples artifact (Split-train, Split-eval), or URIs of "
    "these, such as gs://bucket/data.csv"
)
_KIND_OF = {".csv": CSV, ".npz": NPZ, ".parquet": PARQUET}
# What neither TensorFlow nor Keras reads as an image is no image.
_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
# As people name the parts of a data set that is divided already.
_TRAIN_NAMES = ("train", "training", "Split-train")
_EVAL_NAMES = ("eval", "val", "valid", "validation", "test", "Split-eval")
# Without data to evaluate on, one in so many examples is set apart for that.
SET_APART = 3
# Of a TFRecord: the length of the record, its checksum; and one behind the record.
_HEADER = struct.Struct("<QI")
_FRAME = _HEADER.size + 4
_BLOCK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Inputs:
    """What a search trains and evaluates on.

    Attributes:
        kind: One of the constants of this module.
        train: Absolute paths: of files; of `IMAGES`, of directories that hold a folder
            for each class; of `EXAMPLES`, the one directory with both splits.
        eval: The same; empty if some of the training data is to be set apart.
    """

    kind: str
    train: tuple[str, ...]
    eval: tuple[str, ...] = ()


def remote(paths: Iterable[str]) -> list[str]:
    """Those that are on a filesystem that only TFX reaches."""
    return [path for path in paths if files.is_remote(path)]


def found(train: Sequence[str], evaluation: Sequence[str]) -> Inputs:
    """Finds out what local paths name.

    Args:
        train: Of --train: files, directories, patterns.
        evaluation: Of --eval.

    Raises:
        ValueError: If something is not there, or is nothing that the search takes.
    """
    if len(train) == 1 and not evaluation:
        train, evaluation = _divided(train[0])
    parts = {
        "--train": _parts(train, "--train"),
        "--eval": _parts(evaluation, "--eval"),
    }
    kinds = {kind for part in parts.values() for kind, _ in part}
    if len(kinds) > 1:
        raise ValueError(
            f"Expected data of one kind. Received: {' and '.join(sorted(kinds))}. Convert "
            "one kind to the other, or name one kind only."
        )
    (kind,) = kinds
    of = {flag: tuple(path for _, path in part) for flag, part in parts.items()}
    if kind == EXAMPLES and (len(of["--train"]) > 1 or of["--eval"]):
        raise ValueError(
            "Expected one directory with Split-train and Split-eval, and no --eval. "
            f"Received: {', '.join((*of['--train'], *of['--eval']))}. Name the files of "
            "its splits instead."
        )
    if kind == CSV:
        for flag, paths in of.items():
            tables.check(paths, flag)
    if twice := sorted(set(of["--train"]) & set(of["--eval"])):
        raise ValueError(
            "Expected other data in --eval than in --train: a model is judged by what it "
            f"has not seen. Received: {', '.join(twice)} in both. Leave --eval out to have "
            "a third of the data set apart."
        )
    return Inputs(kind, of["--train"], of["--eval"])


def require_rows(count: int) -> None:
    """Raises if there is nothing to train on.

    Args:
        count: The rows of the split `train`.

    Raises:
        ValueError: If there are none.
    """
    if not count:
        raise ValueError(
            "Expected rows to train on in the files of --train. Received: none, or so few "
            "that all of them were set apart for the evaluation. Name more data, or what "
            "to evaluate on in --eval."
        )


def require_int64(largest: int, what: str) -> None:
    """Raises if an integer is too large for an example.

    Args:
        largest: The largest of them.
        what: Where they are, for people.

    Raises:
        ValueError: If it is.
    """
    if largest > _MOST:
        raise ValueError(
            f"Expected integers up to {_MOST}, the largest that an example can hold, in "
            f"{what}. Received: {largest}. Convert them to floating point, or to text."
        )


def warnings(given: Inputs) -> list[str]:
    """What is strange about data, but may be meant.

    Args:
        given: What was found.
    """
    if given.kind != IMAGES:
        return []
    classes = {name for path in given.train for name in classes_in(path)}
    if len(classes) > 1:
        return []
    return [
        "Expected a folder with images for each class. Received: one class, "
        + f"{', '.join(classes)}, in {', '.join(given.train)}: a model that always answers "
        + "with it is always right. If that is a part of a data set, name the parts in "
        + "--train and --eval."
    ]


def is_gzip(path: str) -> bool:
    """Whether a local file is compressed by gzip, whatever its name."""
    with open(path, "rb") as file:
        return compression.is_gzip(file)


def classes_in(directory: str) -> list[str]:
    """The folders with images in a directory, which are the classes."""
    return [
        name
        for name in _names(directory)
        if os.path.isdir(folder := os.path.join(directory, name)) and images_in(folder)
    ]


def images_in(directory: str) -> list[str]:
    """The names of the images in a directory."""
    return [n for n in _names(directory) if n.lower().endswith(_IMAGE_SUFFIXES)]


def _divided(path: str) -> tuple[list[str], list[str]]:
    """The parts of a directory that is divided into folders for train and eval."""
    local = files.local_path(path)
    if os.path.isdir(local) and not _is_artifact(local):
        names = [n for n in _names(local) if os.path.isdir(os.path.join(local, n))]
        train, evaluation = (
            [os.path.join(local, name) for name in names if name in known]
            for known in (_TRAIN_NAMES, _EVAL_NAMES)
        )
        if len(train) == 1 and len(train) + len(evaluation) == len(names):
            return train, _one(evaluation)
    return [path], []


def _one(evaluation: list[str]) -> list[str]:
    """The part to evaluate on: that for validation, so that test data stay unseen."""
    order = {name: place for place, name in enumerate(_EVAL_NAMES)}
    return sorted(evaluation, key=lambda path: order[os.path.basename(path)])[:1]


def _parts(paths: Sequence[str], flag: str) -> list[tuple[str, str]]:
    """Kinds and absolute paths of all that is named."""
    result = []
    for path in paths:
        local = files.local_path(path)
        matches = [local] if os.path.exists(local) else sorted(glob.glob(local))
        if not matches:
            raise ValueError(
                f"Expected {flag} to name files or directories on this machine, or URIs. "
                f"Received: {path}, and there is no such file or directory."
            )
        for match in map(os.path.abspath, matches):
            is_directory = os.path.isdir(match)
            result += (
                _in_directory(match, flag) if is_directory else [_file(match, flag)]
            )
    return result


def _in_directory(directory: str, flag: str) -> list[tuple[str, str]]:
    if _is_artifact(directory):
        return [(EXAMPLES, directory)]
    if classes_in(directory):
        return [(IMAGES, directory)]
    paths = [os.path.join(directory, name) for name in _names(directory)]
    if found := [_file(path, flag) for path in paths if os.path.isfile(path)]:
        return found
    raise ValueError(
        f"Expected a directory with data. Received: {directory}, with no files in it, and "
        f"no folders with images. The search takes {TAKES}."
    )


def _is_artifact(directory: str) -> bool:
    """Whether a directory is one of an Examples artifact."""
    splits = ("Split-train", "Split-eval")
    return all(os.path.isdir(os.path.join(directory, name)) for name in splits)


def _names(directory: str) -> list[str]:
    """What is in a directory, but for what programs hide there, and what people read."""
    return sorted(
        name
        for name in os.listdir(directory)
        if not name.startswith((".", "_", "LICENSE", "README"))
    )


def _file(path: str, flag: str) -> tuple[str, str]:
    kind = _KIND_OF.get(os.path.splitext(path)[1].lower())
    if kind is None and _looks_like_records(path):
        kind = TFRECORD
    if kind is None:
        raise ValueError(
            f"Expected {flag} to name data that the search takes. Received: {path}, which "
            f"is none of it: it takes {TAKES}."
        )
    if kind == CSV:
        _require_text(path, flag)
    return kind, path


def _require_text(path: str, flag: str) -> None:
    """Raises if a file is no text: Beam would say so later, and not of which file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    start = 0  # Of the block, in the file.
    with open(path, "rb") as file:
        try:
            while block := file.read(_BLOCK):
                held = len(decoder.getstate()[0])
                decoder.decode(block)
                start += len(block)
            held = len(decoder.getstate()[0])
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"Expected {flag} to name CSV files that are text in UTF-8. Received: "
                f"{path}, which is not: see its byte {start - held + error.start}. Save it "
                "as UTF-8, for example by: iconv -f latin1 -t utf-8. A compressed file has "
                "to be unpacked."
            ) from error


def _looks_like_records(path: str) -> bool:
    """Whether a file begins like a TFRecord file, compressed or not; an empty one does."""
    zipped = is_gzip(path)
    with open(path, "rb") as file:
        try:
            head = (gzip.GzipFile(fileobj=file) if zipped else file).read(_HEADER.size)
        except (EOFError, OSError, zlib.error):
            return False
    if len(head) < _HEADER.size:
        return not head
    length: int = _HEADER.unpack(head)[0]
    # Of text, the first eight bytes are a number of astronomical size.
    return length < 1 << 31 and (zipped or length + _FRAME <= os.path.getsize(path))
