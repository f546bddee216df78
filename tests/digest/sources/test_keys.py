import pytest

from digest.sources.keys import arxiv_id, kind, recognised, url_key, web_link


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("https://arxiv.org/abs/2405.15738v2", "arxiv:2405.15738"),
        ("http://arxiv.org/pdf/2405.15738", "arxiv:2405.15738"),
        ("oai:arXiv.org:2405.15738v1", "arxiv:2405.15738"),
        ("https://huggingface.co/papers/2405.15738", "arxiv:2405.15738"),
        ("https://doi.org/10.48550/arXiv.2405.15738", "arxiv:2405.15738"),
        ("http://arxiv.org/abs/hep-th/9901001v3", "arxiv:hep-th/9901001"),
        ("doi:10.1000/ABC.1", "doi:10.1000/abc.1"),
        ("https://dx.doi.org/10.1000/abc.1?from=feed", "doi:10.1000/abc.1"),
        ("10.1000/abc.1", "doi:10.1000/abc.1"),
        ("https://example.org/2405.15738", ""),
        ("tag:example.org,2026:7", ""),
    ],
)
def test_id_is_recognised(text: str, key: str) -> None:
    assert recognised(text) == key


def test_arxiv_id_comes_before_a_doi() -> None:
    assert recognised("10.1000/abc", "https://arxiv.org/abs/2405.15738") == "arxiv:2405.15738"


def test_arxiv_id_loses_its_version() -> None:
    assert arxiv_id("2405.15738v12") == "2405.15738"
    assert arxiv_id("2405.15738/../x") == ""


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,<b>x</b>",
        "JaVaScRiPt:alert(1)//https://example.org",
        "ftp://example.org/x",
        "//example.org/x",
        "/relative",
        "http://",
        "https:///x",
        "https://exa mple.org/",
        "https://user:secret@example.org/",
        "https://example.org\\@evil.org/",
        "https://example.org:99999/",
        "https://example.org/\r\nX-Header: 1",
        'https://example.org/"><b>',
        "https://" + "a" * 70 + "é.org/",
        "https://example.org/" + "x" * 600,
        None,
        7,
    ],
)
def test_link_that_is_not_a_web_address_is_refused(link: object) -> None:
    assert web_link(link) == ""


@pytest.mark.parametrize(
    ("link", "kept"),
    [
        (" https://example.org/a?b=c#d ", "https://example.org/a?b=c#d"),
        ("HTTPS://Example.ORG/A", "https://example.org/A"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        ("https://аpple.com/x", "https://xn--pple-43d.com/x"),  # a Cyrillic letter
    ],
)
def test_web_link_is_kept(link: str, kept: str) -> None:
    assert web_link(link) == kept


def test_spellings_of_one_link_have_one_key() -> None:
    key = url_key("https://example.org/papers/7?b=2&a=1")

    assert key == "url:example.org/papers/7?a=1&b=2"
    assert url_key("http://www.example.org/papers/7/?a=1&utm_source=feed&b=2#top") == key
    assert url_key("https://example.org/papers/8?a=1&b=2") != key


def test_key_of_a_long_link_fits_and_differs() -> None:
    keys = {url_key(f"https://example.org/{'x' * 400}{n}") for n in range(2)}

    assert len(keys) == 2
    assert max(map(len, keys)) <= 200


def test_kind_of_a_key_is_its_issuer() -> None:
    keys = ["arxiv:2405.15738", "doi:10.1000/x", "url:example.org/a", "url:example.org?a"]

    assert [kind(key) for key in keys] == ["arxiv", "doi", "url:example.org", "url:example.org"]
