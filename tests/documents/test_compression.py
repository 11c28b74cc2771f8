"""Whether a file is compressed, whatever its name says."""

import gzip
import io
from pathlib import Path

import pytest

from tuner_component.documents import compression


@pytest.mark.parametrize(
    ("data", "compressed"),
    [
        (gzip.compress(b"text", mtime=0), True),
        (b"text", False),
        (b"\x1f", False),
        (b"", False),
    ],
)
def test_the_content_tells(data: bytes, compressed: bool) -> None:
    """Records would be read as text, or text be unpacked."""
    file = io.BytesIO(data)
    assert compression.is_gzip(file) == compressed
    assert file.read() == data


def test_files_of_tfx_are_read_from_their_beginning(tmp_path: Path) -> None:
    """The first bytes of the records would be missing."""
    from tfx.dsl.io import fileio

    path = tmp_path / "records"
    path.write_bytes(gzip.compress(b"text", mtime=0))
    with fileio.open(str(path), "rb") as file:
        assert compression.is_gzip(file)
        assert gzip.GzipFile(fileobj=file).read() == b"text"
