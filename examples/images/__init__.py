"""Classifiers of small images: from TFRecord, from a folder of JPEGs, by transfer."""
