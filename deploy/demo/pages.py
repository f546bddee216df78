"""What a reader sees of one of the site's pages: its form and its links."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page:
    """The form and the links of a page.

    `fields` maps each name to its values, as a browser would send them. `choices` maps the name
    of check boxes or radio buttons to their values in order.
    """

    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)

    def filled(self, **values: str | list[str]) -> dict[str, list[str]]:
        """Return `fields` with `values` entered. Raises KeyError for a name not on the form."""
        sent = dict(self.fields)
        for name, value in values.items():
            if name not in sent and name not in self.choices:
                raise KeyError(name)
            sent[name] = value if isinstance(value, list) else [value]
        return sent


def read_page(html: str) -> Page:
    """Parse a page. Like all of ours, it may have at most one form."""
    reader = _Reader()
    reader.feed(html)
    return reader.page


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._select = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "a":
            self.page.links.append(given.get("href", ""))
        elif tag == "select":
            self._select = name
            self.page.fields[name] = []
        elif tag == "option" and "selected" in given:
            self.page.fields[self._select] = [value]
        elif tag == "input" and given.get("type") in {"checkbox", "radio"}:
            self.page.choices.setdefault(name, []).append(value)
            if "checked" in given:
                self.page.fields.setdefault(name, []).append(value)
        elif tag == "input" and name:
            self.page.fields[name] = [value]


def links_in(text: str) -> Iterator[str]:
    """The links in a mail's text."""
    return (word.strip("<>") for word in text.split() if word.lstrip("<").startswith("http"))
