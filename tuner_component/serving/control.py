"""The part of a page that steers its search: `tuner-component serve --control`."""

import json
import secrets
from typing import Any

from tuner_component.report.judgement.space import range_of
from tuner_component.report.page import rendering
from tuner_component.report.record import StudyRecord

HEADER = "X-Tuner-Component-Control"


class Control:
    """Knows the pages of this server.

    Attributes:
        key: What they send along. No page of anyone else can read it.
    """

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(32)

    def part(self, name: str, study: StudyRecord) -> str:
        """The part of a study's page that steers it, as HTML.

        Args:
            name: The study's name here.
            study: The study.
        """
        page = rendering.page_template("tuner_component.serving", "control.html")
        package = rendering.read_template
        return page.render(
            address=f"/requests/{name}",
            header=HEADER,
            key=self.key,
            space=rendering.in_script(_space(study)),
            style=package("tuner_component.serving", "control.css"),
            script=package("tuner_component.serving", "control.js"),
        )


def _space(study: StudyRecord) -> list[dict[str, str]]:
    """The hyperparameters: names, and what they may be, for people."""
    found: dict[str, dict[str, str]] = {}
    known = list(study.spaces.values())[-1:]  # If it is lost which is today's.
    if study.space is not None and study.space in study.spaces:
        known = [study.spaces[study.space]]
    for entry in (entry for space in known for entry in space):
        config = entry.get("config", {}) if isinstance(entry, dict) else {}
        name = config.get("name")
        if not isinstance(name, str) or name in found:
            continue
        if isinstance(values := config.get("values"), list):
            may_be = ", ".join(map(str, values[:20]))
        elif "min_value" in config:
            may_be = f"{config['min_value']} to {config.get('max_value')}"
        else:
            may_be = ""
        found[name] = {
            "name": name,
            "may_be": may_be,
            "default": _shown(one.default) if (one := range_of(entry)) else "",
        }
    return list(found.values())


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
