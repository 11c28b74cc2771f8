"""`--stopping`: rules by their names, with options."""

from __future__ import annotations

import argparse

import pytest

from tests.support.imports import run_without
from tuner_component.cli.stopping import parsed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("asha", {"rule": "ASHA"}),
        ("Median", {"rule": "MEDIAN"}),
        (
            "asha: grace_epochs=2 , reduction_factor=4",
            {"rule": "ASHA", "grace_epochs": 2, "reduction_factor": 4},
        ),
        ('{"rule": "patience", "patience": 3}', {"rule": "PATIENCE", "patience": 3}),
        ("none", {"rule": "NONE"}),
    ],
)
def test_rule_is_named_in_any_case(text: str, message: dict[str, object]) -> None:
    """People would have to write JSON in a shell, in capital letters."""
    assert parsed(text) == message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("ashaa", "one of asha, hyperband, median, patience.*Did you mean asha"),
        ("", "one of asha, hyperband, median, patience"),
        (":grace_epochs=2", "one of asha"),
        ("asha:grace_epoch=2", "grace_epochs, reduction.*Did you mean grace_epochs"),
        ("asha:grace_epochs", "NAME=NUMBER.*without a number"),
        ("asha:grace_epochs=two", "NAME=NUMBER"),
        ("{}", "one of asha"),
        ('{"rule"', "or JSON"),
        ('{"rule": ["asha"]}', "one of asha"),
    ],
)
def test_errors_name_what_there_is(text: str, said: str) -> None:
    """A typo would be found after the import of TFX, or say nothing of what is right."""
    with pytest.raises(argparse.ArgumentTypeError, match=f"^Expected .*{said}"):
        parsed(text)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--stopping", "hyperband"], "stopping.max_epochs"),
        (["--search", "auot"], "one of auto"),
        (["--max-retries", "-1"], "--max-retries to be 0 or more"),
        (["--confirm-seeds", "3"], "--confirm-top with confirm_seeds"),
        (["--retry", '{"trails": []}'], "some of trials, causes, times"),
    ],
)
def test_arguments_are_checked_before_tfx_is_imported(
    flags: list[str], said: str, tmp_path: object
) -> None:
    """Who mistypes a flag would wait half a minute to be told."""
    code = (
        "import pathlib\n"
        "pathlib.Path(sys.argv[1], 'm.py').touch()\n"
        "from tuner_component.cli.main import main\n"
        "module = f'{sys.argv[1]}/m.py'\n"
        "sys.exit(main(['tune', module, '--train', module, '--out', sys.argv[1],\n"
        "    *sys.argv[2:]]))"
    )
    banned = ("tfx", "tensorflow", "keras", "keras_tuner")
    done = run_without(banned, code, str(tmp_path), *flags)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr
