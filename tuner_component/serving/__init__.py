"""The report as a page that follows searches while they run: `tuner-component serve`.

It reads what searches write, as any command that looks at them, and changes nothing.
"""
