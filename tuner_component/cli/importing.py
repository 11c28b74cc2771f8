"""Where Python finds the user's modules in a command."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from tfx.types import standard_component_specs as specs


def make_importable(properties: Mapping[str, Any]) -> None:
    """Has Python find the user's modules, here and in all processes of the search.

    First beside the module, as if it were run as a script; then in the working directory.

    Args:
        properties: The executor's properties.
    """
    file = properties.get(specs.MODULE_FILE_KEY)
    beside = [os.path.dirname(os.path.realpath(file))] if file else []
    sys.path[:0] = [*beside, os.getcwd()]
