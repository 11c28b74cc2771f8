"""What a terminal shows of studies: for people, and as JSON for programs.

A module here is a command that only looks, or what these share. Nothing here needs
TensorFlow, TFX or KerasTuner, which take seconds to import. (A search that runs on this
terminal is `report/terminal`'s.)
"""
