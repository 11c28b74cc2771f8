"""What a process does with warnings, for another process."""

import pickle
import warnings
from collections.abc import Iterator

import pytest

from tuner_component.search.parallel import warning_filters


@pytest.fixture(autouse=True)
def own_filters() -> Iterator[None]:
    """Leaves those of the tests as they are."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        yield


def test_filters_work_elsewhere_as_they_do_here() -> None:
    """What a script takes for an error would be a line in a log."""
    warnings.filterwarnings("ignore", "Known.*", UserWarning)
    warnings.simplefilter("error", UserWarning, append=True)
    found = pickle.loads(pickle.dumps(warning_filters.capture()))
    warnings.resetwarnings()
    warning_filters.apply(found)
    warnings.warn("known trouble", UserWarning, stacklevel=1)
    with pytest.raises(UserWarning):
        warnings.warn("other trouble", UserWarning, stacklevel=1)
    assert warning_filters.capture() == found


def test_filters_that_are_there_come_after() -> None:
    """A library's filters would be lost, or come before those of the script."""
    warnings.simplefilter("ignore", DeprecationWarning)
    found = warning_filters.capture()
    warnings.resetwarnings()
    warnings.simplefilter("ignore", BytesWarning)
    warnings.simplefilter("ignore", DeprecationWarning)
    warning_filters.apply(found)
    categories = [category for _, _, category, _, _ in warnings.filters]
    assert categories == [DeprecationWarning, BytesWarning]


def test_a_module_by_its_name_stays_one() -> None:
    """Deprecations in `__main__` alone are shown; in `__main__x` they would be, too."""
    warnings.filters.insert(0, ("error", None, UserWarning, "own", 0))  # type: ignore[arg-type, attr-defined]
    found = warning_filters.capture()
    warnings.resetwarnings()
    warning_filters.apply(found)
    with pytest.warns(UserWarning):
        warnings.warn_explicit("trouble", UserWarning, "file", 1, "owner")
    with pytest.raises(UserWarning):
        warnings.warn_explicit("trouble", UserWarning, "file", 1, "own")


def test_filters_of_unknown_classes_are_left_out() -> None:
    """A module would be imported for its warnings, or a worker not start."""
    warning_filters.apply(
        (
            ("error", "", "no.such.module", "TheirWarning", "", 0),
            ("error", "", "builtins", "print", "", 0),
        )
    )
    assert not warnings.filters
