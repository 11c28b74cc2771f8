"""Whether a file is compressed, whatever its name says."""

from typing import Any

_GZIP_MAGIC = b"\x1f\x8b"


def is_gzip(file: Any) -> bool:
    """Whether a file is compressed by gzip.

    Args:
        file: Open for reading bytes; it is read from its beginning afterwards, too.
    """
    file.seek(0)
    head = file.read(len(_GZIP_MAGIC))
    file.seek(0)
    return bool(head == _GZIP_MAGIC)
