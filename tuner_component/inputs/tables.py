"""CSV files as TFX's CsvExampleGen reads them: checked before, and with a plain header.

Beam would name neither the file nor the line of what is wrong.
"""

import csv
import os
import shutil
from collections.abc import Sequence

_BOM = b"\xef\xbb\xbf"


def check(paths: Sequence[str], flag: str) -> None:
    """Raises unless all rows of the files have the columns of one header.

    Args:
        paths: Of files that are text in UTF-8.
        flag: That names them.

    Raises:
        ValueError: If a row has more or fewer values, or files have other headers.
    """
    headers = {path: _checked_header(path, flag) for path in paths}
    for path, header in headers.items():
        if header != headers[paths[0]]:
            raise ValueError(
                f"Expected all CSV files of {flag} to have one header line. Received: "
                f"{', '.join(headers[paths[0]])} in {paths[0]}, and {', '.join(header)} in "
                f"{path}. Give them the same columns, in the same order."
            )


def place(path: str, link: str) -> None:
    """Puts a file at another path, with a header that TFX understands.

    TFX takes the quotes around a name, and the mark that Excel writes before the first,
    for parts of the name.

    Args:
        path: Of the file, which has been checked.
        link: The other path.
    """
    with open(path, "rb") as file:
        line = file.readline()
        if not line.startswith(_BOM) and b'"' not in line:
            os.symlink(os.path.abspath(path), link)
            return
        [names] = csv.reader([line.decode("utf-8-sig")])
        with open(link, "wb") as copy:
            copy.write(",".join(names).encode() + b"\n")
            shutil.copyfileobj(file, copy)


def _checked_header(path: str, flag: str) -> list[str]:
    # TFX ends lines at \n alone.
    with open(path, encoding="utf-8-sig", newline="\n") as file:
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            _check_names(header, path)
            for row in rows:
                if row and len(row) != len(header):  # TFX skips blank lines, too.
                    raise _row_error(
                        path,
                        flag,
                        rows.line_num,
                        f"{len(row)} values, where its header has {len(header)} names",
                    )
        except csv.Error as error:
            raise _row_error(path, flag, rows.line_num, str(error)) from error
    return header


def _row_error(path: str, flag: str, line: int, received: str) -> ValueError:
    return ValueError(
        f"Expected {flag} to name CSV files with a header line, and a value for each of its "
        f"names in each row, with commas between them. Received: {path}, line {line}: "
        f"{received}. Correct the line, or save the data as Parquet."
    )


def _check_names(names: Sequence[str], path: str) -> None:
    if strange := [name for name in names if set(name) & set(',"\n')]:
        raise ValueError(
            f"Expected names without commas, quotes and line breaks in the header line of "
            f"{path}. Received: {', '.join(map(repr, strange))}. Rename them."
        )
    # Without a name there may be several: programs export empty columns.
    require_distinct([name for name in names if name], path)


def require_distinct(names: Sequence[str], path: str) -> None:
    """Raises if columns share a name.

    Args:
        names: Of the columns.
        path: Of their file.

    Raises:
        ValueError: If some do.
    """
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(
            f"Expected a name of its own for each column of {path}. Received: "
            f"{', '.join(twice)} more than once. Rename or drop a column."
        )
