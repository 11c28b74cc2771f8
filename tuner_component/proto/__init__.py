"""Messages generated from `/proto/tuner.proto`.

Do not edit them: change that file and run `make protos`.
"""
