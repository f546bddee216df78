"""The pages behind a digest's links: ``web_view``, ``votes``, ``clicks`` and ``examples``.

GET and HEAD only show; POST acts. Mail scanners open every link, and some run scripts without
pressing buttons, so no page may act on its own. The one thing a GET records is a click.
"""
