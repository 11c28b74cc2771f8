"""Every colour of a plot can be told from the page behind it."""

import pytest

from tuner_component.report.page import palette


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colour", palette.DARK)
def test_contrast_is_three_to_one(colour: str) -> None:
    """A line would be there for some people only, or by day only."""
    light, dark = palette.PAGES
    assert contrast(colour, light) >= 3
    assert contrast(palette.DARK[colour], dark) >= 3
