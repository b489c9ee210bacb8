"""`python -m breakeven` is the command `breakeven`."""

from breakeven.cli.main import main

main()
