"""`python -m loadtest meters`: one gateway process that meters a thousand live sessions.

Media is simulated (`plane.py`), everything else is real: sign-in, sockets,
invitations, confirmations, acknowledgements, the store with its full sync.
`house.py` is the gateway's process, `crowd.py` and `app.py` the people's, `run.py`
measures and judges. Nothing here is part of the product.
"""
