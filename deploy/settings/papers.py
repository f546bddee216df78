"""Where papers come from, and how they are ranked."""

from deploy import env

_WEIGHT = r"(VOTE|TOPIC|TERM|TASTE)_WEIGHT\s*=\s*[0-9]{1,6}(\.[0-9]{1,6})?"
_CATEGORY = r"[a-z]+(-[a-z]+)*(\.[A-Za-z]+(-[a-z]+)*)?"
SOURCES = env.words("SOURCES", ["huggingface"], among=("huggingface", "arxiv", "feeds"))
ARXIV_CATEGORIES = env.words(
    "ARXIV_CATEGORIES", ["cs.AI", "cs.CL", "cs.CV", "cs.LG"], pattern=_CATEGORY
)
FEEDS = env.pages("FEEDS", [])
SOURCE_MINUTES = env.integer("SOURCE_MINUTES", 60, least=5, most=1440)
# A paper of a feed that is older when it is first seen is kept, but goes into no edition.
NEWS_DAYS = env.integer("NEWS_DAYS", 30, least=1, most=3650)
EDITION_CLOSES_HOUR = env.integer("EDITION_CLOSES_HOUR", 5, least=0, most=23)
# An edition with fewer papers, or without a good look at any source for so many hours, is held:
# it closes only when an operator approves it. 0 hours asks for no look.
EDITION_LEAST_PAPERS = env.integer("EDITION_LEAST_PAPERS", 1, least=1, most=1000)
EDITION_STALE_HOURS = env.integer("EDITION_STALE_HOURS", 0, least=0, most=720)

# Votes only break ties. Given as much weight as the content, they make the choice worse.
RANKING_VOTE_WEIGHT = env.number("RANKING_VOTE_WEIGHT", 0.02, least=0, most=100)
# How a second ranking, tried on readers, differs from this one. Each digest is drafted from both
# in turn, and each paper is stored with the ranking that chose it. Empty: no trial.
RANKING_TRIAL = env.words("RANKING_TRIAL", [], pattern=_WEIGHT)
# With fewer papers than this there is no digest; they wait for the next one.
DIGEST_LEAST_PAPERS = env.integer("DIGEST_LEAST_PAPERS", 3, least=1, most=20)
