"""What a reader wants, and when their next digest is due.

In: values from the preferences form, and buttons such as "pause for a month". Out: changed rows
of `Subscriber`, `Subscription` and `Term`, always with a new `next_due_at`. Before that changes,
the signal `about_to_change` has all that was due planned by the old wishes.

Read ``schedule`` first (pure arithmetic on dates and time zones), then ``terms`` (followed and
muted keywords and authors) and ``following`` (an author, from their page), then ``preferences``,
which stores everything and puts the next digest into words.
"""
