"""Reading hyperparameters and results: ours, stock's, edited by hand, broken."""

import json
import math
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from tuner_component import load_best_hyperparameters, load_tuner_results


def config() -> dict[str, Any]:
    hp = keras_tuner.HyperParameters()
    hp.Int("layers", 1, 4)
    hp.Float("rate", 1e-3, 1.0, sampling="log")
    hp.Choice("act", ["relu", "tanh"])
    hp.Boolean("norm")
    hp.Fixed("seed", 3)
    with hp.conditional_scope("norm", [True]):
        hp.Float("momentum", 0.0, 1.0, default=0.5)
    return hp.get_config()  # type: ignore[no-any-return]


def write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


# Deeper than Python's own parser, or anything that walks the content, can go.
NESTED = "[" * 100_000 + "]" * 100_000


def space(kind: str, **entry: Any) -> str:
    """A file with one hyperparameter in its space, `a`."""
    common = {"name": "a", "conditions": [], "default": 0}
    numbers = {"min_value": 0, "max_value": 1, "step": 1, "sampling": "linear"}
    content = json.dumps({**common, **numbers, **entry})
    entries = f'[{{"class_name": {kind}, "config": {content}}}]'
    return f'{{"space": {entries}, "values": {{"a": 1}}}}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "best_hyperparameters.txt"


def test_loads_what_was_written(file: Path) -> None:
    """The best values would not reach run_fn."""
    hp = load_best_hyperparameters(write(file, config()))
    assert hp.get("layers") == 1
    assert hp.get_config() == config()


@pytest.mark.parametrize("form", ["str", "uri", "directory", "mapping"])
def test_takes_file_directory_and_mapping(file: Path, form: str) -> None:
    """run_fn has a dictionary, a notebook an artifact's URI."""
    write(file, config())
    source = {
        "str": str(file),
        "uri": f"file://{file}",
        "directory": file.parent,
        "mapping": config(),
    }[form]
    assert load_best_hyperparameters(source).get("layers") == 1


def test_both_files_are_found_in_the_commands_output(tmp_path: Path) -> None:
    """`load_study` takes that directory, and would be the only one."""
    rows = [{"trial_id": "1", "score": 0.5, "x": 1}]
    for name, file, content in (
        ("results", "tuner_results.json", rows),
        ("best_hyperparameters", "best_hyperparameters.txt", config()),
    ):
        (tmp_path / name).mkdir()
        write(tmp_path / name / file, content)
    assert load_best_hyperparameters(tmp_path).get("layers") == 1
    assert load_tuner_results(tmp_path)[0].trial_id == "1"
    write(tmp_path / "tuner_results.json", [])
    assert load_tuner_results(tmp_path) == []


def test_reads_through_tensorflows_filesystems() -> None:
    """Artifacts in a bucket could not be read."""
    from tensorflow import io

    io.gfile.makedirs("ram://artifact")
    with io.gfile.GFile("ram://artifact/best_hyperparameters.txt", "w") as remote:
        remote.write(json.dumps(config()))
    assert load_best_hyperparameters("ram://artifact").get("layers") == 1


def test_edited_value_is_used(file: Path) -> None:
    """A person's edit would be lost."""
    edited = config()
    edited["values"]["layers"] = 3
    assert load_best_hyperparameters(write(file, edited)).get("layers") == 3


def test_hyperbands_own_values_are_accepted(file: Path) -> None:
    """Hyperband puts names among the values that are not in the space."""
    edited = config()
    edited["values"]["tuner/epochs"] = 7
    assert load_best_hyperparameters(write(file, edited)).get("tuner/epochs") == 7


def test_value_of_an_inactive_hyperparameter_is_not_needed(file: Path) -> None:
    """momentum exists only with norm: its absence is no error."""
    assert "momentum" not in load_best_hyperparameters(write(file, config())).values


def test_integer_is_a_float(file: Path) -> None:
    """A person writes 1 for 1.0."""
    edited = config()
    edited["values"]["rate"] = 1
    value = load_best_hyperparameters(write(file, edited)).get("rate")
    assert (value, type(value)) == (1.0, float)


@pytest.mark.parametrize(
    ("high", "step", "sampling", "end"),
    [
        (3e-2, None, "log", 1.0),
        (3e-2, None, "reverse_log", 0.0),
        (1e-1, 10**0.5, "log", 1.0),
    ],
)
def test_kerastuners_own_ends_of_a_range_are_inside(
    file: Path, high: float, step: float | None, sampling: str, end: float
) -> None:
    """The Trainer would fail if the best trial is at an end: floats are off there."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, high, step=step, sampling=sampling)
    value = hp.space[0].prob_to_value(end)
    assert not 1e-4 <= value <= high
    write(file, {"space": hp.get_config()["space"], "values": {"rate": value}})
    assert load_best_hyperparameters(str(file)).get("rate") == value


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Received: an empty file"),
        ("  \n", "Received: an empty file"),
        (json.dumps(config())[:-20], r"Received: truncated JSON \(line 1, column"),
        ("layers: 3", r"Received: not JSON \(line 1, column 1"),
        ("[1, 2]", r"Received: `array` instead of `object`, in \[1, 2\]"),
        ('{"space": [], "values": []}', r"instead of `object` - at `\$.values`"),
        ('{"space": [3], "values": {}}', r"`int` .* - at `\$.space\[0\]`"),
        (space("[]"), "`array` instead of `str`"),
        (space('"Int"', name={}), "`object` instead of `str` - at .*config.name"),
        (space('"Int"', name=None), "instead of `str`"),
        ('{"space": [{"class_name": "Int", "config": {}}], "values": {}}', "`name`"),
        (NESTED, "Received: content that is nested too deeply"),
        ("[" * 65 + "]" * 65, "nested deeper than 64 levels"),
        ("9" * 5000, "a number that is too long"),
        (b"\xff\xfe\x00", "Received: bytes that are not UTF-8"),
    ],
)
def test_broken_file_is_described(file: Path, content: Any, message: str) -> None:
    """A bare JSONDecodeError does not say which file, nor what to do."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as info:
        load_best_hyperparameters(file)
    assert str(file) in str(info.value)


def test_missing_file_is_described(file: Path) -> None:
    """The path that was looked at must be in the message."""
    with pytest.raises(FileNotFoundError, match=r"best_hyperparameters.txt. Received"):
        load_best_hyperparameters(file)


@pytest.mark.parametrize("what", ["a directory", "a link to itself"])
def test_what_cannot_be_read_is_described(file: Path, what: str) -> None:
    """A bare error of the system does not say what to do."""
    file.mkdir() if what == "a directory" else file.symlink_to(file)
    with pytest.raises(OSError, match=r"a file that can be read.*Put the"):
        load_best_hyperparameters(file.parent)


def test_none_names_the_channel_to_connect() -> None:
    """run_fn gets None when the Trainer's hyperparameters are not connected."""
    with pytest.raises(ValueError, match=r"Received: None. Connect the Trainer's"):
        load_best_hyperparameters(None)  # type: ignore[arg-type]


def test_unknown_type_is_refused(file: Path) -> None:
    """KerasTuner fails with a message about custom objects."""
    edited = config()
    edited["space"][0]["class_name"] = "Integer"
    with pytest.raises(ValueError, match=r"type among.*Received: 'Integer' for 'lay"):
        load_best_hyperparameters(write(file, edited))


def test_broken_range_is_refused(file: Path) -> None:
    """The space itself can be edited wrongly too."""
    edited = config()
    edited["space"][0]["config"]["max_value"] = "four"
    with pytest.raises(ValueError, match=r"configuration of a Int.*'four'"):
        load_best_hyperparameters(write(file, edited))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("layers", 5, "an integer from 1 to 4"),
        ("layers", 2.5, "an integer from 1 to 4"),
        ("layers", True, "an integer from 1 to 4"),
        ("layers", "2", "an integer from 1 to 4"),
        ("rate", 2.0, "a number from 0.001 to 1.0"),
        ("rate", None, "a number from 0.001 to 1.0"),
        ("rate", math.nan, "a number from 0.001 to 1.0"),
        ("rate", 10**400, "a number from 0.001 to 1.0"),
        ("act", "elu", r"one of \['relu', 'tanh'\]"),
        ("norm", 1, "true or false"),
        ("seed", 4, "3"),
    ],
)
def test_value_outside_its_range_is_refused(
    file: Path, name: str, value: Any, expected: str
) -> None:
    """The Trainer would train a model that the search never considered."""
    edited = config()
    edited["values"][name] = value
    with pytest.raises(ValueError, match=f"'{name}' in .* {expected}. Received: "):
        load_best_hyperparameters(write(file, edited))


def test_no_range_has_infinity_in_it(file: Path) -> None:
    """A range that someone opened would let a Trainer train with infinity."""
    content = space('"Float"', max_value=math.inf, step=None).replace(
        ": 1}", ": 1e999}"
    )
    with pytest.raises(ValueError, match="a number from 0.0 to inf. Received: inf"):
        load_best_hyperparameters(write(file, content))


def test_a_byte_order_mark_is_read_over(file: Path) -> None:
    """A file that was edited on Windows would be refused."""
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(config()).encode())
    assert load_best_hyperparameters(file).get("layers") == 1


def test_missing_value_is_refused(file: Path) -> None:
    """KerasTuner fails with a KeyError while building the model."""
    edited = config()
    del edited["values"]["act"]
    with pytest.raises(ValueError, match=r"a value for the hyperparameter 'act'"):
        load_best_hyperparameters(write(file, edited))


def test_misspelled_name_is_refused(file: Path) -> None:
    """The edit would silently change nothing."""
    edited = config()
    edited["values"]["layer"] = 2
    with pytest.raises(ValueError, match=r"Received: 'layer'. Did you mean layers\?"):
        load_best_hyperparameters(write(file, edited))


def test_results_keep_their_order_and_values(tmp_path: Path) -> None:
    """The first one is the best one."""
    rows = [
        {"trial_id": "1", "score": 0.5, "x": 1},
        {"trial_id": "0", "score": 1, "x": 2},
    ]
    write(tmp_path / "tuner_results.json", rows)
    first, second = load_tuner_results(tmp_path)
    assert (first.trial_id, first.score, first.hyperparameters) == ("1", 0.5, {"x": 1})
    assert second.score == 1.0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", r"a list of trials. Received: `object` instead of `array`"),
        (
            "[1]",
            r"a list of trials. Received: `int` instead of `object` - at `\$\[0\]`",
        ),
        ('[{"trial_id": "0"}]', r"a 'score'.*missing required field `score`"),
        ('[{"trial_id": "0", "score": "high"}]', r"`str` instead of `float`.*'high'"),
        ('[{"trial_id": "0", "score": true}]', r"`bool` instead of `float`"),
        ('[{"trial_id": [], "score": 1}]', r"`array` instead of `int | str`"),
        ('[{"trial_id": "0", "score": NaN}]', r"finite number. Received: nan"),
        ('[{"trial_id": "0", "score": 1e999}]', r"finite number. Received: inf"),
        (f'[{{"trial_id": "0", "score": {"9" * 400}}}]', "Number out of range"),
        (f'[{{"trial_id": "0", "score": {"9" * 5000}}}]', "number that is too long"),
        (NESTED, "nested too deeply"),
        (f'[{{"trial_id": "0", "score": 1, "x": {"[" * 900}{"]" * 900}}}]', "64"),
        ("[", r"Received: truncated JSON"),
    ],
)
def test_broken_results_are_described(
    tmp_path: Path, content: str, message: str
) -> None:
    """A notebook would fail far from the cause."""
    path = write(tmp_path / "tuner_results.json", content)
    with pytest.raises(ValueError, match=message):
        load_tuner_results(path)
