"""Who is in the session: states, legs, chat, presence, the socket."""
