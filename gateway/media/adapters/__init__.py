"""Where the media plane meets sockets, OpenSSL, libsrtp, SCTP and SDP text."""
