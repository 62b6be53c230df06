"""What flows between the two legs of a session: the media plane.

Start with `ports.py` (the relay's contract) and `service.py`; the files beside
them hold one concept each. Sockets, DTLS, SDP and SRTP are in `adapters/`.
"""
