"""What MkDocs does to the pages of docs/, which are also read in a checkout."""

import re
import runpy
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+)([^)#\s]*)(?:#[^)\s]*)?\)")
_FIELDS = re.compile(r"<!-- fields: (\w+) -->")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Fills in what is made from the sources, and names files that are no pages."""
    depth = page.file.src_uri.count("/")

    def named(link: re.Match[str]) -> str:
        text, up, path = link.groups()
        if up.count("../") <= depth:
            return link.group(0)  # It stays within docs/.
        return text if text.strip("`").endswith(path) else f"{text} (`{path}`)"

    return _FIELDS.sub(
        lambda found: _fields(found.group(1)), _LINK.sub(named, markdown)
    )


def _fields(message: str) -> str:
    """The fields of a message as tables, from its docstring."""
    module = _ROOT / "tuner_component" / "proto" / "docstrings.py"
    text = runpy.run_path(str(module))["OF"][message]
    head, *sections = re.split(r"\n\n    (\w+):\n", text)
    lines = [" ".join(head.split())]
    for title, section in zip(sections[::2], sections[1::2], strict=True):
        lines += ["", f"| {title.lower().rstrip('s')} | meaning |", "|---|---|"]
        for entry in re.split(r"\n(?=        \w)", section):
            names, _, said = " ".join(entry.split()).partition(": ")
            said = said.replace("|", "\\|").replace("<", "&lt;")
            lines.append(f"| `{names}` | {said} |")
    return "\n".join(lines)
