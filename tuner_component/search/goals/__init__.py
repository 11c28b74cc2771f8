"""What a search is to come to: an objective or several at once, within constraints.

Pure functions of numbers: what they decide about is the business of those who call them.
"""
