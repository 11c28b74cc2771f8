"""What the numbers of a study mean: findings in sentences, and what to do next.

Made from the record alone, so that the page, the terminal and programs say the same.
"""
