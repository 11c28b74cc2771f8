"""Which studies are served, and the page that lists them."""

from concurrent import futures

from tuner_component.console import listing, text
from tuner_component.console.place import Place
from tuner_component.report.page import rendering
from tuner_component.report.record import StudyRecord
from tuner_component.search.study import times
from tuner_component.serving.feed import Feed


class Index:
    """The studies of a directory; those that come later, too.

    Args:
        directory: Path or URI of a search, of a pipeline, or of one above them.
        pool: Reads studies.
    """

    def __init__(self, directory: str, pool: futures.Executor) -> None:
        self._directory, self._pool = directory, pool
        self._feeds: dict[str, Feed] = {}
        self._names: dict[str, str] = {}

    def find(self) -> list[tuple[str, Place, StudyRecord]]:
        """The studies that there are now, by the names that they have here."""
        found = []
        for place, study in listing.studies(self._directory):
            path = place.own or place.found
            name = self._names.setdefault(path, self._free(study.study_id))
            if name not in self._feeds:
                self._feeds[name] = Feed(place, self._pool)
            found.append((name, place, study))
        return found

    def feed(self, name: str) -> Feed | None:
        """What the page of a study shows; None if there is no such study."""
        if name not in self._feeds:
            self.find()
        return self._feeds.get(name)

    def page(self) -> str:
        """The list of all studies, as HTML."""
        return rendering.page_template("tuner_component.serving", "index.html").render(
            directory=self._directory,
            style=rendering.style(),
            rows=[
                {
                    "name": name,
                    **listing.facts(study, place),
                    "created": text.moment(times.moment(study.created))[:16],
                }
                for name, place, study in self.find()
            ],
        )

    def _free(self, study_id: str) -> str:
        """A name that no other study has: copies of a study have its id."""
        taken, number, name = set(self._names.values()), 1, study_id
        while name in taken:
            number += 1
            name = f"{study_id}-{number}"
        return name
