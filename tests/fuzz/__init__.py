"""Input by strangers: nothing they send stops a parser, a page, the JSON endpoint or a webhook.

The parsers are tried in a process of their own (`child`), which ends when a limit on time or
memory is passed, whatever the code in it does. The short form is part of `make test`;
FUZZ_EXAMPLES=5000 in the environment tries that many inputs of each kind instead.
"""
