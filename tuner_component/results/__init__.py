"""Reading what a search wrote: the best hyperparameters and the table of trials.

What is read may have been edited by hand: it is parsed as data and checked.
Nothing here may import the search: a Trainer loads this, and little else.
"""
