"""The colours of the report's plots, on white and on a dark page.

Each has a contrast of 3:1 or more with either page; tests/report/test_palette.py computes
it. One accent, for what is best; all else is grey, or says that something went wrong.
"""

# On a white page, and what takes its place on a dark one.
ACCENT = "#1d5fc4"
INK = "#333c47"
GREY = "#84909c"
SLATE = "#5f6f80"
RED = "#c0341d"
AMBER = "#9a6700"
PURPLE = "#7a5bb5"
GREEN = "#0b7a5f"

DARK = {
    ACCENT: "#7db2ff",
    INK: "#dfe4ea",
    GREY: "#748190",
    SLATE: "#8796a6",
    RED: "#ff8b78",
    AMBER: "#d9a441",
    PURPLE: "#b59cf0",
    GREEN: "#4cc7a0",
}
PAGES = ("#ffffff", "#14181d")
