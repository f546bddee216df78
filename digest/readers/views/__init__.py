"""The pages for readers: ``web_view``, ``votes``, ``saved``, ``clicks``, ``examples``, ``ratings``
and ``preview``. ``ways`` leads from one to the other.

GET and HEAD only show; POST acts. Mail scanners open every link, and some run scripts without
pressing buttons, so no page may act on its own. The one thing a GET records is a click.
"""
