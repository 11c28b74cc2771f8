"""The report: one HTML file that works offline, from a bucket, and on a phone.

The page is drawn in the browser from one block of data (`content`), by the scripts and with
the style in `templates/`. Nothing is fetched.
"""

import importlib.resources
import json
from typing import Any

import jinja2

from tuner_component.report.page.content import content
from tuner_component.report.record import StudyRecord

REPORT_FILE = "report.html"

# In the order in which they need each other.
_SCRIPTS = ("dom", "plots", "trial", "table", "sections", "main")
# The part of Plotly that draws lines, points and bars.
_PLOTLY = "plotly-basic.min.js"


def render(
    study: StudyRecord,
    *others: StudyRecord,
    directory: str | None = None,
    events: str | None = None,
    part: str = "",
) -> str:
    """The report of a study, whether it is finished or not, as the text of a file.

    All of it can be encoded, also where a message has what no text should have: half of
    a surrogate pair stands for each byte of a file name that is not UTF-8.

    Args:
        study: The study.
        *others: Studies to compare it with, in a section of their own.
        directory: Path or URI of the directory that its search works in, where logs are;
            None if only its results are here.
        part: HTML that the server puts before the report.
        events: Where the page hears of newer data, if a server has it; see `live.js`.
    """
    shown = content(study, others, directory)
    text = page_template("tuner_component.report.page", "report.html").render(
        shown=shown,
        data=in_script(shown),
        style=style(),
        scripts="\n".join(_template(f"{name}.js") for name in _SCRIPTS),
        plotly_js=_template(_PLOTLY),
        events=events,
        part=part,
        live=_template("live.js") if events else "",
    )
    return text.encode(errors="backslashreplace").decode()


def page_template(package: str, name: str) -> jinja2.Template:
    """A page in the folder `templates/` of a package; what it shows is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def style() -> str:
    """The style of all pages, as CSS."""
    return _template("report.css")


def in_script(shown: Any) -> str:
    """Data as JSON that is safe inside a script, and can be encoded: see `render`."""
    text = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # To JSON the same escapes mean the same.
    return text.encode(errors="backslashreplace").decode()


def read_template(package: str, name: str) -> str:
    """The text of a file in the folder `templates/` of a package."""
    file = importlib.resources.files(package) / "templates" / name
    return file.read_text(encoding="utf-8")


def _template(name: str) -> str:
    return read_template("tuner_component.report.page", name)
