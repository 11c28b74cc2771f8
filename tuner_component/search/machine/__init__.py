"""What a search asks of this computer: processes, memory, cores, GPUs, disk, output.

Nothing here knows of trials or studies.
"""
