"""What pyproject.toml cannot say: the README as a package index shows it."""

import re
from pathlib import Path

from setuptools import setup

README = Path(__file__).parent / "README.md"


def for_an_index(markdown: str) -> str:
    """Removes what leads nowhere outside the repository.

    An index shows the README alone. Pictures beside it are left out, and of links to
    other files only their text stays. The sdist has these files.
    """
    there = r"\((?!https?://)[^)\s]+\)"
    markdown = re.sub(rf"^!\[[^\]]*\]{there}\n+", "", markdown, flags=re.MULTILINE)
    return re.sub(rf"\[([^\]]+)\]{there}", r"\1", markdown)


setup(
    long_description=for_an_index(README.read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
)
