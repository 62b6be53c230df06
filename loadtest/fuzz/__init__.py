"""Everything a stranger can send, wrongly: parsers in this process, and a real gateway from outside.

Decides nothing itself; `mutator.py` breaks what `seeds.py` makes, `targets.py` says
what a parser may answer, `run.py` sends millions to a running gateway.
Never uses anybody else's files: every seed was written by this project's code or
recorded from its own browser and library runs.
"""
