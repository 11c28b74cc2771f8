"""Where a Vizier service is: the arguments of a search that say so."""

import dataclasses
import re

from tuner_component.vizier.service import Service


@dataclasses.dataclass(frozen=True)
class Place:
    """Where trials come from.

    Attributes:
        project_id: The project of Google Cloud, for Vertex AI Vizier.
        region: The region of Google Cloud.
        endpoint: Host and port of an open-source Vizier, in place of these.
    """

    project_id: str | None
    region: str | None
    endpoint: str | None

    def connect(self) -> Service:
        """Makes a connection. Each service needs libraries that the other does without."""
        if self.endpoint is not None:
            from tuner_component.vizier.open_source import OpenSourceVizier

            return OpenSourceVizier(self.endpoint)
        from tuner_component.vizier.vertex import VertexVizier

        return VertexVizier(self.project_id or "", self.region or "")


def check(place: Place, study_id: str | None, give_up_after_s: float) -> None:
    """Checks the arguments of a search.

    Raises:
        ValueError: If they name no service or two, or if one is none that it understands.
    """
    cloud, endpoint = (place.project_id, place.region), place.endpoint
    if (endpoint is None) != all(cloud) or (endpoint is not None and any(cloud)):
        raise ValueError(
            "Expected either project_id and region, for Vertex AI Vizier, or endpoint, "
            f"for an open-source Vizier. Received: project_id={place.project_id!r}, "
            f"region={place.region!r}, endpoint={endpoint!r}. Name the one that is to "
            "suggest trials."
        )
    if endpoint is not None and not re.fullmatch(
        r"[^/\s]+:\d{1,5}", endpoint, re.ASCII
    ):
        raise ValueError(
            f"Expected endpoint to be a host and a port. Received: {endpoint!r}. Write it "
            'as "127.0.0.1:28080".'
        )
    if study_id is not None and not re.fullmatch(r"[\w.-]{1,120}", study_id, re.ASCII):
        raise ValueError(
            "Expected study_id to have letters, digits, dots, dashes and underscores. "
            f"Received: {study_id!r}. Choose such a name."
        )
    is_number = isinstance(give_up_after_s, (int, float))
    if not is_number or not give_up_after_s > 0:
        raise ValueError(
            "Expected give_up_after_s to be a number of seconds above 0. Received: "
            f"{give_up_after_s!r}. Leave it out for ten minutes."
        )
