"""A flock: the replicas of a managed job, which form a Ray cluster for one search.

It knows nothing of the service that started the job but what `roles` reads.
"""
