"""Reading other people's XML and HTML without running anything in it.

* ``xml``     bytes to elements: charsets, limits, and what can be saved of a broken feed
* ``html``    HTML, XHTML and JATS to the text that a browser would show
* ``mathml``  formulas to plain characters
"""

from .html import plain
from .xml import (
    ARXIV,
    ATOM,
    content,
    descendants,
    fields,
    local_name,
    marked_up,
    read_broken_xml,
    read_xml,
    resolved,
)

__all__ = [
    "ARXIV",
    "ATOM",
    "content",
    "descendants",
    "fields",
    "local_name",
    "marked_up",
    "plain",
    "read_broken_xml",
    "read_xml",
    "resolved",
]
