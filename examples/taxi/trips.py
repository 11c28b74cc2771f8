"""Trips by taxi, made up: what they cost depends on where, how far, and when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

COMPANIES = ("blue", "city", "green")


def write(directory: Path, month: int, count: int = 400) -> None:
    """Writes the trips of a month to a CSV file.

    Args:
        directory: For the file.
        month: It seeds the numbers, too: months have other trips.
        count: How many.
    """
    random = np.random.default_rng(month)
    miles = random.gamma(2.0, 2.0, count)
    hour = random.integers(0, 24, count)
    company = random.choice(COMPANIES, count)
    fee = pd.Series(company).map({"blue": 3.0, "city": 2.5, "green": 4.0}).to_numpy()
    night = (hour < 6) | (hour > 21)
    fare = fee + 2.2 * miles * (1 + 0.3 * night) + random.normal(0, 0.5, count)
    trips = pd.DataFrame(
        {
            "trip_miles": miles.round(2),
            "trip_start_hour": hour,
            "company": company,
            "fare": fare.round(2),
        }
    )
    trips.loc[random.random(count) < 0.05, "trip_miles"] = np.nan
    directory.mkdir(parents=True, exist_ok=True)
    trips.to_csv(directory / "trips.csv", index=False)
