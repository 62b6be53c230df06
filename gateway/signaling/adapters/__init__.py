"""Where signalling meets sockets, SQLite, Redis and the event loop's timers."""
