"""What stands between TFX and a search: arguments, splits, the module, publishing.

Artifacts and properties become plain options here, and results become artifacts.
How trials are run belongs in `search`, which knows no TFX.
"""
