"""The invented sample company: a seeded generator of a year of a believable firm, written as plain files."""

from breakeven.sample.files import holds_sample, write_configuration, write_facts
from breakeven.sample.replaybodies import keep_replays
from breakeven.sample.truth import FIRM, INVENTED, SEED

__all__ = ["FIRM", "INVENTED", "SEED", "holds_sample", "keep_replays", "write_configuration", "write_facts"]
