"""Prints the Python module with the docstrings of the messages in a .proto.

Usage: write_docstrings.py DESCRIPTOR_SET   (of protoc's --include_source_info)
"""

import sys
import textwrap
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet

# Numbers of fields in descriptor.proto, of which the paths of comments are made.
_MESSAGE, _FIELD, _ENUM, _VALUE = 4, 2, 4, 2
_WIDTH = 84


def main(path: str) -> None:
    """Prints the module for the only file of a descriptor set."""
    (file,) = FileDescriptorSet.FromString(Path(path).read_bytes()).file
    comments = {
        tuple(location.path): location.leading_comments
        for location in file.source_code_info.location
    }
    print('"""The docstrings of the messages, from the comments in tuner.proto."""\n')
    print("OF = {")
    for number, message in enumerate(file.message_type):
        said = {
            path[2:]: " ".join(comment.split())
            for path, comment in comments.items()
            if path[:2] == (_MESSAGE, number)
        }
        print(f'    "{message.name}": """\\\n{_docstring(message, said)}\n""",')
    print("}")


def _docstring(message: DescriptorProto, comments: dict[tuple[int, ...], str]) -> str:
    lines = [*_wrapped(comments[()], 4), "", "    Attributes:"]
    names: list[str] = []
    fields = list(message.field)
    for number, field in enumerate(fields):
        names.append(field.name)
        following = comments.get((_FIELD, number + 1))
        if number + 1 < len(fields) and not following:
            continue  # A comment is for all fields up to the next one.
        said = comments[(_FIELD, number + 1 - len(names))]
        lines += _wrapped(f"{', '.join(names)}: {said}", 8)
        names = []
    for number, enum in enumerate(message.enum_type):
        lines += ["", f"    {enum.name}:"]
        for place, value in enumerate(enum.value):
            if said := comments.get((_ENUM, number, _VALUE, place)):
                lines += _wrapped(f"{value.name}: {said}", 8)
    text = "\n".join(lines)
    assert "\\" not in text and '"""' not in text
    return text


def _wrapped(text: str, indent: int) -> list[str]:
    first, more = " " * indent, " " * (indent + 4 * (indent > 4))
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=more,
        break_long_words=False,
        break_on_hyphens=False,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
