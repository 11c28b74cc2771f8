"""What a training consists of between two epochs, as data: read, and put back.

`training_state` is the whole; of models and callbacks it holds what `object_state` finds.
Files, and when they are written, are the business of `checkpoint` above.
"""
