"""Reads the targets of Python sources off BUILD files, and rewrites their lists."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

RULES = {"py_binary", "py_library", "pytest_test"}


class BuildError(Exception):
    """Something that a person has to decide."""


@dataclass
class Target:
    """A target, with its sources and dependencies as they should be.

    Attributes:
        package: The directory of the BUILD file, relative to the root; "" is the root.
        name: The name within the package.
        rule: One of `RULES`.
        files: The Python sources, relative to the root.
        deps: Labels in full, `//package:name`.
        call: The target in the BUILD file; None for one to be added.
    """

    package: str
    name: str
    rule: str
    files: list[str]
    deps: set[str] = field(default_factory=set)
    call: ast.Call | None = None

    @property
    def label(self) -> str:
        return f"//{self.package}:{self.name}"

    @property
    def sources_are_gone(self) -> bool:
        """Whether it listed sources and none of them is left."""
        listed = self.call and any(k.arg == "srcs" for k in self.call.keywords)
        return bool(listed and not self.files)

    @property
    def is_default(self) -> bool:
        """Whether `//package` alone means this target."""
        return self.name == PurePosixPath(self.package).name


def parse(package: str, text: str) -> list[Target]:
    """The targets of Python sources in a BUILD file, as they are."""
    targets = []
    for call in _calls(text):
        rule = ast.unparse(call.func)
        if rule in RULES:
            values = {keyword.arg: keyword.value for keyword in call.keywords}
            name = ast.literal_eval(values["name"])
            srcs = ast.literal_eval(values.get("srcs", ast.List([])))
            files = [str(PurePosixPath(package, src)) for src in srcs]
            targets.append(Target(package, name, rule, files, call=call))
    return targets


def rewrite(text: str, targets: Iterable[Target], third_party: set[str]) -> str:
    """The text of a BUILD file, with lists as its targets say.

    Args:
        text: The file as it is.
        targets: Those of the file, the ones to be added among them.
        third_party: The labels that a call of `python_packages` has to declare.
    """
    lines = text.splitlines(keepends=True)
    edits: list[tuple[int, int, list[str]]] = []
    added: list[str] = []
    for target in targets:
        srcs = {str(PurePosixPath(f).relative_to(target.package)) for f in target.files}
        deps = {_shortened(dep, target.package) for dep in target.deps}
        if target.call is None:
            added += ["\n", f"{target.rule}(\n", f'    name = "{target.name}",\n']
            added += [*_listing("srcs", srcs), *_listing("deps", deps), ")\n"]
        elif target.sources_are_gone:
            edits.append((target.call.lineno - 1, target.call.end_lineno or 0, []))
        else:
            edits.append(_edit(lines, target.call, "deps", deps))
            edits.append(_edit(lines, target.call, "srcs", srcs))
    for call in _calls(text):
        if ast.unparse(call.func) == "python_packages":
            names = {label.partition(":")[2] for label in third_party}
            edits.append(_edit(lines, call, "names", names))
    # From the bottom, so that the line numbers above stay right.
    for start, end, replacement in sorted(edits, key=lambda e: e[:2], reverse=True):
        lines[start:end] = replacement
    return "".join(lines + added)


def _calls(text: str) -> Iterator[ast.Call]:
    # BUILD files keep to what Starlark and Python have in common.
    for node in ast.parse(text).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield node.value


def _edit(
    lines: list[str], call: ast.Call, attribute: str, values: set[str]
) -> tuple[int, int, list[str]]:
    """The lines of one attribute, from and to, and what to put there instead."""
    keyword = next((k for k in call.keywords if k.arg == attribute), None)
    last = call.end_lineno or call.lineno
    start, end, kept = last - 1, last - 1, {}
    if keyword:
        start, end = keyword.lineno - 1, keyword.value.end_lineno or last
        for node in ast.walk(keyword.value):
            if isinstance(node, ast.Constant):
                _, mark, reason = lines[node.lineno - 1].partition("# keep")
                if mark:
                    kept[str(node.value)] = f"  {mark}{reason.rstrip()}"
    if call.lineno in (start + 1, last):
        raise BuildError(
            "Expected: each attribute of a target on lines of its own.\n"
            f"Received: {lines[call.lineno - 1].strip()}"
        )
    return start, end, _listing(attribute, values, kept)


def _listing(
    attribute: str, values: set[str], kept: dict[str, str] | None = None
) -> list[str]:
    kept = kept or {}
    # As buildifier sorts: the colon before all that can stand in its place.
    entries = sorted(values | kept.keys(), key=lambda entry: entry.replace(":", "!"))
    if not entries:
        return []
    if len(entries) == 1 and not kept:
        return [f'    {attribute} = ["{entries[0]}"],\n']
    body = [f'        "{entry}",{kept.get(entry, "")}\n' for entry in entries]
    return [f"    {attribute} = [\n", *body, "    ],\n"]


def _shortened(label: str, package: str) -> str:
    """The label as the BUILD file of `package` writes it."""
    other, _, name = label.removeprefix("//").partition(":")
    if other == package:
        return f":{name}"
    return f"//{other}" if PurePosixPath(other).name == name else label
