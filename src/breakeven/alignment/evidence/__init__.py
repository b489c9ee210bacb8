"""Whether a cheaper rung is enough, with the risk of being wrong: pure statistics on replays, valid however often one looks."""
