"""What makes two searches the same search: the parts of a study's fingerprint.

They are read off the artifacts, the user's module and the arguments of a pipeline.
Nothing here runs a search, or knows how one is run.
"""
