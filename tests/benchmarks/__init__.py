"""``make bench``: what things cost, where possible as ratios within the same run."""
