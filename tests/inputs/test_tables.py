"""CSV files are checked before TFX reads them, which names neither file nor line."""

from pathlib import Path

import pytest

from tuner_component.inputs import inputs, tables


def write(directory: Path, *contents: str) -> list[str]:
    paths = []
    for number, content in enumerate(contents):
        path = directory / f"{number}.csv"
        path.write_text(content, encoding="utf-8", newline="")
        paths.append(str(path))
    return paths


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("x,y\n1,2\n1,2,3\n", "line 3: 3 values, where its header has 2 names"),
        ("x,y\n1\n", "line 2: 1 values"),
        ("\nx,y\n", "line 2: 2 values, where its header has 0"),
        ("x,y\n1,\0\n", "line 2: line contains NUL"),
        (f"x,y\n1,{'a' * 200_000}\n", "line 2: field larger than field limit"),
        ("x,y\r1,2\r", "line 1: new-line character"),
        ("x,x\n1,2\n", "Received: x more than once"),
        ('"x,y",z\n1,2\n', "Received: 'x,y'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    content: str, said: str, tmp_path: Path
) -> None:
    """People would read tracebacks of Beam's, or lose a column without a word."""
    [path] = write(tmp_path, content)
    with pytest.raises(ValueError, match=rf"(?s)^Expected .*0\.csv.*{said}"):
        inputs.found([path], [])


def test_files_with_other_headers_are_refused(tmp_path: Path) -> None:
    """TFX would end with a RuntimeError that names a temporary directory."""
    paths = write(tmp_path, "x,y\n1,2\n", "x,z\n1,2\n")
    with pytest.raises(ValueError, match=r"x, y in .*0\.csv, and x, z in .*1\.csv"):
        inputs.found(paths, [])
    inputs.found(paths[:1], paths[1:])  # Each split has a header of its own.


def test_rows_may_be_blank_and_have_line_breaks(tmp_path: Path) -> None:
    """What TFX reads would be refused."""
    text = 'x,y,,\r\n"a\nb","c,""d""",,\r\n\r\n1,2,,\r\n'
    assert inputs.found(write(tmp_path, text), []).kind == "CSV"


@pytest.mark.parametrize(
    "header", ["\ufeffx,y\n", '"x","y"\n', '\ufeff"x",y\r\n', "x,y\n"]
)
def test_header_is_placed_as_tfx_understands_it(header: str, tmp_path: Path) -> None:
    """A column would be called "x" with its quotes, or have an invisible mark."""
    [path] = write(tmp_path, f'{header}"1",ü\n')
    tables.place(path, str(tmp_path / "placed"))
    assert (tmp_path / "placed").read_text(encoding="utf-8") == 'x,y\n"1",ü\n'
