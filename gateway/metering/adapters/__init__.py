"""Where metering meets the database and the signature library."""
