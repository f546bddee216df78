"""How many days each kind of row is kept (``digest.retention``)."""

from deploy import env

KEEP_DAYS = {
    # Digests tell which papers a reader has had; an edition has papers of some weeks at most.
    "digests": env.integer("KEEP_DIGESTS_DAYS", 180, least=60, most=36500),
    # An event can come days after its mail, and a digest in doubt is settled by what is known.
    "events": env.integer("KEEP_EVENTS_DAYS", 30, least=14, most=36500),
    "clicks": env.integer("KEEP_CLICKS_DAYS", 90, least=1, most=36500),
    "looks": env.integer("KEEP_LOOKS_DAYS", 90, least=14, most=36500),
    # Sources are read again for a week, and trends need every look of it.
    "sightings": env.integer("KEEP_SIGHTINGS_DAYS", 14, least=8, most=36500),
    # From the time at which it expired: until then its page says how to get a new one.
    "links": env.integer("KEEP_LINKS_DAYS", 30, least=0, most=36500),
    # Letters are counted by the month.
    "letters": env.integer("KEEP_LETTERS_DAYS", 90, least=31, most=36500),
}
