"""KerasTuner's own objects: their faults mended, and as plain values."""
