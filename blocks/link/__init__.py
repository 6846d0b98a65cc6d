"""The users and the air."""
