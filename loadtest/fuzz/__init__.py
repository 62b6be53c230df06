"""Everything a stranger can send, wrongly, to a real gateway from outside.

Decides nothing itself: `kept.py` has the committed inputs, `mutator.py` breaks
them, `volley.py` and `adversary.py` send them, `run.py` judges.
Never uses anybody else's files: every input was written by this project's code or
recorded from its own browser and library runs. The hunt inside one process, with
what each parser promises, is `tests/fuzz`.
"""
