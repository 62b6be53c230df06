"""Where operations meets HTTP, the database, Prometheus and the log."""
