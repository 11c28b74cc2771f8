"""Messages generated from `proto/tuner.proto`; see `proto/generate.sh`."""
