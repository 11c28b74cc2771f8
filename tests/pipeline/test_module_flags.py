"""The absl flags of the user's module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from absl import flags

from tuner_component.pipeline import module_flags

OWN, OTHER = "module_flags_units", "module_flags_names"


@pytest.fixture(autouse=True)
def defined() -> Iterator[None]:
    flags.DEFINE_integer(OWN, 4, "")
    flags.DEFINE_multi_string(OTHER, [], "")
    parsed = flags.FLAGS.is_parsed()
    yield
    for name in (OWN, OTHER):
        delattr(flags.FLAGS, name)
    if not parsed:
        flags.FLAGS.unparse_flags()


def test_module_reads_its_flags() -> None:
    """A module written for absl.app.run would raise UnparsedFlagAccessError."""
    module_flags.parse(["m.py"], __name__)
    assert flags.FLAGS[OWN].value == 4
    module_flags.parse(["m.py", f"--{OWN}=8"], __name__)
    assert flags.FLAGS[OWN].value == 8


def test_process_that_parses_twice_has_the_same() -> None:
    """A flag that may be repeated would have each value twice."""
    for _ in range(2):
        module_flags.parse(["m.py", f"--{OTHER}=a", f"--{OTHER}=b"], __name__)
    assert flags.FLAGS[OTHER].value == ["a", "b"]


def test_unknown_flag_is_a_slip_where_there_are_flags() -> None:
    """The search would run with the default."""
    with pytest.raises(ValueError, match=f"{OTHER}, {OWN}. Received: --unit=8"):
        module_flags.parse(["m.py", "--unit=8"], __name__)


def test_unknown_flag_is_left_to_a_module_without_flags() -> None:
    """Only modules that use absl could have flags."""
    module_flags.parse(["m.py", "--unit=8"], "tests.pipeline.another")


def test_wrong_value_is_said() -> None:
    """It would end in a traceback of absl's."""
    with pytest.raises(ValueError, match="Expected flags.*invalid literal"):
        module_flags.parse(["m.py", f"--{OWN}=many"], __name__)
