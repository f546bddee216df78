"""The operator's pages, one module for each noun: papers, editions, digests, topics and holds.

Beside the lists, ``edition_desk`` is the page from which an edition is steered and run
(``digest.desk.editions``), ``edition_acts`` what its buttons do, and ``edition_previews`` shows a
digest as a reader would get it.

In: the rows of ``digest.models`` (and topics, whose words only this app can try on papers). Out:
lists and pages in Django's admin. Rows that record what happened can be read but not edited;
operators may only edit topics, and add and release holds.

Read ``base`` first, then any module.

A page for one more model takes one file, the noun's module, and a new module also a line below.
A page that is not a model's list or form also takes its view in ``get_urls`` and a template in
``templates/admin/``: see ``trial`` and ``topics``. Text on these pages is translated like
that of the site. For the names that Django makes ``digest.desk.labels`` does it.
"""

from . import audit, digests, editions, holds, outside, papers, topics, users

__all__ = ["audit", "digests", "editions", "holds", "outside", "papers", "topics", "users"]
