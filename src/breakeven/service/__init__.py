"""`breakeven serve`: one command that runs gateway workers and the bookkeeper, and keeps them running."""
