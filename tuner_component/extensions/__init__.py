"""Managed services: jobs that are started elsewhere, each service a folder."""
