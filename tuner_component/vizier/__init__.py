"""Vizier, a service that suggests trials: what is said to it, and how.

There are two: Google's Vertex AI Vizier and open-source Vizier. What a search needs of
either is in `service`; it knows no oracle.
"""
