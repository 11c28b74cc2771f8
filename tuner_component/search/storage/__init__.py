"""Files and values on disk: whole or not at all, on any filesystem.

What a file means belongs in the rooms above: nothing here knows of trials.
"""
