"""``make bench``: what it costs, as ratios of two things measured in the same run."""
