"""What stands behind -- on the command line."""

import pytest

from tuner_component.cli import flags
from tuner_component.cli.main import main


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--tuner_type=hyperband"], {"tuner_type": "hyperband"}),
        (["--n=32", "--rate=1e-3"], {"n": 32, "rate": 1e-3}),
        (["--n", "-1"], {"n": -1}),
        (["--fast", "--n", "2"], {"fast": True, "n": 2}),
        (["--fast=False"], {"fast": False}),
        (["--layer=1", "--layer=2"], {"layer": [1, 2]}),
        (["--name="], {"name": ""}),
        (['--sizes=[1, "x"]'], {"sizes": [1, "x"]}),
    ],
)
def test_flags_become_values(given: list[str], expected: dict[str, object]) -> None:
    """The module would have to convert text, or miss a value."""
    assert flags.custom_config(None, given) == expected


def test_flags_stand_beside_custom_config() -> None:
    """One of them would be lost."""
    assert flags.custom_config('{"a": 1}', ["--b=2"]) == {"a": 1, "b": 2}
    assert flags.custom_config('{"a": 1}', []) == {"a": 1}
    assert flags.custom_config(None, []) is None


@pytest.mark.parametrize(
    ("config", "given", "said"),
    [
        ('{"a": 1}', ["--a=2"], "a in --custom-config and behind --"),
        ("[1]", [], "to be a JSON object"),
        ("{a: 1}", [], "to be JSON"),
        (None, ["units"], "such as --tuner_type=hyperband. Received: units"),
        (None, ["-u"], "Received: -u"),
    ],
)
def test_mistakes_are_said(config: str | None, given: list[str], said: str) -> None:
    """A value would be ignored."""
    with pytest.raises(ValueError, match=said):
        flags.custom_config(config, given)


def test_only_tune_has_flags_of_a_module(capsys: pytest.CaptureFixture[str]) -> None:
    """They would be ignored."""
    with pytest.raises(SystemExit):
        main(["status", "somewhere", "--", "--units=8"])
    assert "only tune takes flags behind --" in capsys.readouterr().err
