"""A search whose trials run one after another in this process, as stock does.

A debugger works, and a signal or the time budget ends it without loss.
What a search in workers needs as well belongs in the rooms below.
"""
