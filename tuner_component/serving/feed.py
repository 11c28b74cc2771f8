"""What the page of one study shows: read again and again, for as long as anyone looks."""

import asyncio
import hashlib
import logging
import time
from concurrent import futures

from tuner_component.console.place import INTERRUPTED, OVER, Place, standing
from tuner_component.report.page.content import content
from tuner_component.report.page.rendering import in_script
from tuner_component.report.record import StudyRecord
from tuner_component.search.errors import SearchError

# So long between two looks at least; and reading takes at most this share of the time.
_AGAIN_S = 1.0
_SHARE = 5

_log = logging.getLogger(__name__)


class Feed:
    """The data of one study's page, and when there are newer ones.

    Args:
        place: Where the study is.
        pool: Reads it there: that takes up to a second, in which others are answered.

    Attributes:
        place: Where the study is.
        study: The study, as it was read last; None before it was.
        data: What the page is drawn from, as JSON in one line; empty before it was read.
        version: A digest of the data.
        over: Why nothing more will come: "finished" or "interrupted"; empty until then.
    """

    def __init__(self, place: Place, pool: futures.Executor) -> None:
        self.data = self.version = self.over = ""
        self.place, self._pool = place, pool
        self.study: StudyRecord | None = None
        self._changed = asyncio.Condition()
        self._looking: asyncio.Task[None] | None = None
        self._watchers = 0

    async def read(self) -> StudyRecord:
        """Reads the study as it is now.

        Raises:
            FileNotFoundError: If it is gone.
            ValueError: If it is damaged, or of a newer version.
            StorageError: If it cannot be read.
        """
        loop = asyncio.get_running_loop()
        study, data, over = await loop.run_in_executor(self._pool, self._read)
        self.study = study
        version = hashlib.sha256(data.encode()).hexdigest()[:16]
        if (version, over) != (self.version, self.over):
            async with self._changed:
                self.data, self.version, self.over = data, version, over
                self._changed.notify_all()
        return study

    def _read(self) -> tuple[StudyRecord, str, str]:
        holder = (
            self.place.holder()
        )  # First: what it wrote before it went is seen then.
        study = self.place.load()
        over = standing(study, holder)
        if over not in OVER:
            over = INTERRUPTED if self.place.own is None else ""
        return study, in_script(content(study, directory=self.place.own)), over

    async def newer_than(self, version: str, within_s: float) -> bool:
        """Waits for other data than those of a version.

        Args:
            version: Of what is known already.
            within_s: How long to wait, in seconds.

        Returns:
            Whether there are some, or the search is over.
        """
        self._watchers += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with self._changed:
                wanted = self._changed.wait_for(
                    lambda: self.version not in ("", version) or self.over
                )
                return bool(await asyncio.wait_for(wanted, within_s))
        except asyncio.TimeoutError:
            return False
        finally:
            self._watchers -= 1

    async def _look(self) -> None:
        """Reads the study until nobody waits for it any more."""
        said = ""
        while self._watchers:
            began = time.monotonic()
            try:
                await self.read()
                said = ""
            except (SearchError, OSError, ValueError) as error:
                # It may come back; what was seen last stays on the page.
                if said != str(error):
                    said = str(error)
                    _log.warning("%s", error)
            took = time.monotonic() - began
            await asyncio.sleep(max(_AGAIN_S, _SHARE * took))
