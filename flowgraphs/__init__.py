"""Scripts that a user launches and edits."""
