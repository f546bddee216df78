"""Where papers come from, and how they are ranked."""

from typing import Any

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

# Thumbnails are fetched, drawn anew, and served from our own host: from a folder that all hosts
# share if there are several, or from S3. They go so many days after their edition.
_folder = env.folder("PICTURES_FOLDER", ".broadsheet/pictures")
_bucket = env.text("PICTURES_BUCKET", "")
PICTURES = env.boolean("PICTURES", default=True) and bool(_folder or _bucket)
PICTURES_DAYS = env.integer("PICTURES_DAYS", 90, least=1, most=3650)
_s3: dict[str, Any] = {
    "bucket_name": _bucket,
    "endpoint_url": env.endpoint("PICTURES_S3_ENDPOINT", "") or None,
    "region_name": env.text("PICTURES_S3_REGION", "") or None,
    # Without these two, the SDK looks where it always does: in AWS_… variables, and at the host's
    # own role.
    "access_key": env.text("PICTURES_S3_KEY", "") or None,
    "secret_key": env.text("PICTURES_S3_SECRET", "") or None,
    "default_acl": None,
}
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "pictures": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": _s3}
    if _bucket
    else {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(_folder or "")},
    },
}

# A language model of the operator's, behind any endpoint that speaks OpenAI's chat completions. It
# writes a sentence about papers whose source has none, within so many requests and tokens a day
# (UTC). Only a paper's title and abstract are sent to it.
SUMMARIES_URL = env.endpoint("SUMMARIES_URL", "")
SUMMARIES_MODEL = env.text("SUMMARIES_MODEL", "")
SUMMARIES_KEY = env.text("SUMMARIES_KEY", "")
SUMMARIES_PER_DAY = env.integer("SUMMARIES_PER_DAY", 300, least=1, most=100_000)
SUMMARIES_TOKENS_PER_DAY = env.integer(
    "SUMMARIES_TOKENS_PER_DAY", 500_000, least=1000, most=1_000_000_000
)
SUMMARIES_AT_ONCE = env.integer("SUMMARIES_AT_ONCE", 4, least=1, most=32)
SUMMARIES_SECONDS = env.integer("SUMMARIES_SECONDS", 30, least=1, most=120)
