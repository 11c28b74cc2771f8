"""The report that people open in a browser: its figures, its data, and the page itself.

`content` says all that a page shows, as plain data; the scripts in `templates/` draw it.
"""

from tuner_component.report.page.rendering import REPORT_FILE, render

__all__ = ["REPORT_FILE", "render"]
