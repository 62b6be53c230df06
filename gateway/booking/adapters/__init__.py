"""Where booking touches the database, the web and payment providers."""
