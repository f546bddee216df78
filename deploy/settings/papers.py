"""Where papers come from, and how they are ranked."""

from deploy import env

SOURCES = env.words("SOURCES", ["huggingface"])
ARXIV_CATEGORIES = env.words("ARXIV_CATEGORIES", ["cs.AI", "cs.CL", "cs.CV", "cs.LG"])
FEEDS = env.words("FEEDS", [])
SOURCE_MINUTES = env.integer("SOURCE_MINUTES", 60, least=5, most=1440)
EDITION_CLOSES_HOUR = env.integer("EDITION_CLOSES_HOUR", 5, least=0, most=23)

# Votes only break ties. Given as much weight as the content, they make the choice worse.
RANKING_VOTE_WEIGHT = env.number("RANKING_VOTE_WEIGHT", 0.02)
# How a second ranking, tried on readers, differs from this one. Each digest is drafted from both
# in turn, and each paper is stored with the ranking that chose it. Empty: no trial.
RANKING_TRIAL = env.words("RANKING_TRIAL", [])
# With fewer papers than this there is no digest; they wait for the next one.
DIGEST_LEAST_PAPERS = env.integer("DIGEST_LEAST_PAPERS", 3, least=1, most=20)
