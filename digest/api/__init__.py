"""The API for other people's programs, under ``/api/v1/``, with its own OpenAPI document.

In: requests with a token. Out: JSON, or a problem (RFC 9457) that says what to do. Lists are pages
by cursor, along an index, so none gets slower with the number of rows. Writing the same thing twice
does no harm. What a token changes is in the audit log.

* ``gateway``: the one view of it. It loads the rest with the first request, because the library
  costs each process half a second and 20 MB, and workers never need it.
* ``routes``: puts it together. ``document``: the OpenAPI document, and the page that shows it.
* ``access``: tokens, scopes and rates. ``problems``: errors. ``paging``: cursors.
* ``schemas``: what goes in and out; ``shown`` makes that of rows.
* ``subscribers``, ``topics``, ``editions``, ``digests``, ``events``: the resources.
"""
