"""JSON files that anyone may have written or changed: decoded by type, and sealed.

What a file means is the business of those who read it; nothing here knows of a search.
"""
