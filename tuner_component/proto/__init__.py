"""Messages generated from the files in `/proto`.

Do not edit them: change those and run `make protos`.
"""

from tuner_component.proto import checked, docstrings, tuner_pb2

# protobuf leaves out the comments, and `help(TuneArgs)` would say nothing.
for _name, _text in docstrings.OF.items():
    getattr(tuner_pb2, _name).__doc__ = _text
    checked.check_arguments(getattr(tuner_pb2, _name))
