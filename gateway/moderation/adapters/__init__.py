"""Where moderation meets rule files and the database."""
