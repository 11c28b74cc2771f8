"""Each example of the gallery, in process and with two workers."""
