"""KerasTuner's ready-made models, in spaces that are cut down."""
