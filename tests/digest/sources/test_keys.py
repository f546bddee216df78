import pytest

from digest.sources.keys import arxiv_id, guid_key, kind, recognised, url_key, web_link


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
    keys = {
        "arxiv:2405.15738": "arxiv",
        "doi:10.1000/x": "doi:10.1000",
        "url:example.org/a": "url:example.org",
        "url:example.org?a": "url:example.org",
    }

    assert {key: kind(key) for key in keys} == keys


VERSIONS = {
    "doi:10.21203/rs.3.rs-700001": (
        "https://doi.org/10.21203/rs.3.rs-700001/v1",
        "10.21203/rs.3.rs-700001/v12",
        "https://www.researchsquare.com/article/rs-700001/v2",
        "https://www.researchsquare.com/article/rs-700001/latest.pdf",
    ),
    "doi:10.1101/2026.11.20.700001": (
        "https://www.biorxiv.org/content/10.1101/2026.11.20.700001v1?rss=1",
        "https://www.biorxiv.org/content/10.1101/2026.11.20.700001v2.full",
        "http://medrxiv.org/content/10.1101/2026.11.20.700001v3.full.pdf",
        "doi:10.1101/2026.11.20.700001",
    ),
    "doi:10.20944/preprints202611.0001": (
        "10.20944/preprints202611.0001.v1",
        "https://www.preprints.org/manuscript/202611.0001/v2",
    ),
    "doi:10.2139/ssrn.4999999": (
        "https://papers.ssrn.com/sol3/papers.cfm?abstract_id=4999999",
        "https://ssrn.com/abstract=4999999",
        "https://dx.doi.org/10.2139/ssrn.4999999",
    ),
    "doi:10.31234/osf.io/ab3de": (
        "https://doi.org/10.31234/osf.io/ab3de",
        "https://doi.org/10.31234/osf.io/ab3de_v2",
    ),
    "url:osf.io/ab3de": (
        "https://osf.io/ab3de",
        "https://osf.io/preprints/psyarxiv/ab3de_v2",
    ),
    "doi:10.12688/f1000research.123456": (
        "10.12688/f1000research.123456.1",
        "https://doi.org/10.12688/f1000research.123456.2",
    ),
    "doi:10.26434/chemrxiv-2026-ab1cd": (
        "10.26434/chemrxiv-2026-ab1cd",
        "https://doi.org/10.26434/chemrxiv-2026-ab1cd-v3",
    ),
    "doi:10.5281/zenodo.7654321": (
        "https://zenodo.org/records/7654321",
        "10.5281/zenodo.7654321",
    ),
    "doi:10.7554/elife.98765": ("10.7554/eLife.98765.1", "10.7554/eLife.98765"),
    "doi:10.1038/s41586-026-00001-1": (
        "https://www.nature.com/articles/s41586-026-00001-1",
        "doi:10.1038/s41586-026-00001-1",
    ),
    "doi:10.1002/abc.12345": (
        "https://onlinelibrary.example.com/doi/abs/10.1002/abc.12345?af=R",
        "https://onlinelibrary.example.com/doi/full/10.1002/abc.12345",
        "https://onlinelibrary.example.com/doi/10.1002%2Fabc.12345",
    ),
    "arxiv:2611.00300": ("https://arxiv.org/abs/2611.00300v1", "10.48550/arXiv.2611.00300v2"),
}


@pytest.mark.parametrize(
    ("key", "text"), [(key, text) for key, texts in VERSIONS.items() for text in texts]
)
def test_versions_and_addresses_of_one_preprint_have_one_key(key: str, text: str) -> None:
    assert recognised(text) == key


@pytest.mark.parametrize(
    "text", ["10.1000/j.2026.12", "10.1016/j.towel.2026.100001", "10.1000/v10", "10.1000/abc.2"]
)
def test_what_is_no_version_stays(text: str) -> None:
    assert recognised(text) == f"doi:{text}"


@pytest.mark.parametrize(
    "mark",
    ["utm_source=rss", "dgcid=rss_sd_all", "fbclid=x", "rss=1", "af=R", "mc_cid=1", "via=ihub"],
)
def test_marks_of_where_readers_come_from_do_not_count(mark: str) -> None:
    assert url_key(f"https://example.org/a?id=1&{mark}#x") == "url:example.org/a?id=1"


def test_versions_count_only_at_servers_of_preprints() -> None:
    assert url_key("https://f1000research.com/articles/15-123/v2") == url_key(
        "https://f1000research.com/articles/15-123/v1"
    )
    assert url_key("https://lab.example.org/v2") != url_key("https://lab.example.org/v1")


def test_id_of_a_feed_means_something_only_at_its_site_unless_it_is_a_uri() -> None:
    here, there = "https://a.example.org/1", "https://b.example.org/1"

    assert guid_key("77", here) != guid_key("77", there)
    assert guid_key("tag:a.example.org,2026:77", here) == guid_key(
        "tag:a.example.org,2026:77", there
    )
    assert len(guid_key("urn:" + "x" * 900, here)) <= 200


@pytest.mark.parametrize(
    ("key", "links"),
    [
        (
            "arxiv:2401.00001",
            [
                "https://alphaxiv.org/abs/2401.00001v2",
                "https://ar5iv.org/abs/2401.00001",
                "https://www.semanticscholar.org/arxiv/2401.00001",
                "arXiv: 2401.00001 [cs]",
            ],
        ),
        (
            "doi:10.1101/2024.01.01.573000",
            [
                "https://www.biorxiv.org/content/biorxiv/early/2024/01/02/2024.01.01.573000.full.pdf",
                "https://www.biorxiv.org/content/10.1101/2024.01.01.573000v3.full.pdf+html",
                "https://www.medrxiv.org/content/10.1101/2024.01.01.573000v2.article-metrics",
                "http://biorxiv.org/cgi/content/short/2024.01.01.573000v1",
            ],
        ),
        (
            "doi:10.2139/ssrn.4500001",
            ["https://papers.ssrn.com/sol3/Delivery.cfm/4500001.pdf?abstractid=4500001&mirid=1"],
        ),
        (
            "doi:10.18653/v1/2024.acl-long.1",
            [
                "https://aclanthology.org/2024.acl-long.1.pdf",
                "https://www.aclweb.org/anthology/2024.acl-long.1",
            ],
        ),
        (
            "doi:10.1038/s41586-024-00001-1",
            [
                "https://www.nature.com/articles/s41586-024-00001-1.pdf",
                "https://www.nature.com/articles/s41586-024-00001-1_reference.pdf",
            ],
        ),
    ],
)
def test_other_places_of_a_work_have_its_key(key: str, links: list[str]) -> None:
    assert [recognised(link) for link in links] == [key] * len(links)


@pytest.mark.parametrize(
    "links",
    [
        [
            "https://openreview.net/forum?id=AbC123",
            "https://openreview.net/pdf?id=AbC123",
            "https://openreview.net/forum?noteId=z&id=AbC123",
            "https://openreview.net/attachment?id=AbC123&name=pdf",
        ],
        [
            f"https://www.semanticscholar.org/paper/A-Title/{'0af9' * 10}",
            f"https://www.semanticscholar.org/paper/{'0af9' * 10}?sort=year",
        ],
        [
            "https://pubmed.ncbi.nlm.nih.gov/38000001/",
            "https://www.ncbi.nlm.nih.gov/pubmed/38000001",
        ],
        ["https://eprint.iacr.org/2024/001", "https://eprint.iacr.org/2024/001.pdf"],
        [
            "https://proceedings.mlr.press/v202/smith23a.html",
            "https://proceedings.mlr.press/v202/smith23a/smith23a.pdf",
        ],
    ],
)
def test_the_pages_of_one_work_have_one_key(links: list[str]) -> None:
    assert len({url_key(link) for link in links}) == 1


def test_two_works_of_one_host_have_two_keys() -> None:
    links = [f"https://openreview.net/forum?id={name}" for name in ("AbC123", "AbC124", "abC123")]
    assert len({url_key(link) for link in links}) == 3
