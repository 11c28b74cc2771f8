"""The journal of a study: records that survive every crash, on any filesystem."""
