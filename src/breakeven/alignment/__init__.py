"""Which capability a task needs: pure, no files, no clock, no network."""
