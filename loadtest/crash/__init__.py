"""`python -m loadtest crash`: the real process with real calls on a real file, killed at random moments.

`stage.py` is what everybody knows of the gateway's present life, `killer.py` starts
and kills it, `person.py` and `pair.py` are the people who call, lose the line and
come back or not, `diary.py` is what their legs saw, `books.py` reads the file from
outside, `run.py` puts it together and judges. Nothing here imports what it checks.
"""
