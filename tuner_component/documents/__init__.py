"""Files that anyone may have written or changed: JSON decoded by type, sealed, or packed.

What a file means is the business of those who read it; nothing here knows of a search.
"""
