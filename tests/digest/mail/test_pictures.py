"""Pictures in mails: only for readers who want them, and nothing depends on them."""

import re

import pytest
from django.utils import timezone

from digest.delivery import plan
from digest.delivery.doubt.retry import Attempted, make_again
from digest.delivery.run import deliver
from digest.desk.editions import previews, steering
from digest.models import Digest, EditionPaper, Paper
from digest.papers import editions
from subscribers.models import Subscriber
from tests.contract import check_digest, html_of, parsed, text_of
from tests.factories import make_paper, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

NAME = f"{'a1' * 16}.jpg"
IMAGE = re.compile(r"<img [^>]*>")


def test_the_mail_has_pictures_for_those_who_want_them_and_is_made_again_the_same(
    sink: Sink,
) -> None:
    papers = [make_paper(votes=n, picture=NAME if n else "") for n in range(4)]
    wants = make_reader(has_pictures=True)
    plain = make_reader()
    edition = editions.close(timezone.now().date(), now=timezone.now())
    assert edition
    hidden = papers[3]
    steering.hide_picture(hidden, None)

    plan.plan_due()
    deliver(seconds=60)

    mails = {mail.recipients[0]: mail.content for mail in sink.messages}
    with_pictures, without = parsed(mails[wants.email]), parsed(mails[plain.email])
    check_digest(mails[plain.email])
    images = IMAGE.findall(html_of(with_pictures))
    assert len(images) == 2
    for image in images:
        assert f'src="https://news.example.org/pictures/{NAME}"' in image
        assert 'width="560"' in image
        assert 'height="294"' in image
        assert 'alt="Preview picture"' in image
    assert "<img" not in html_of(without)
    tokens = re.compile(r"/[a-z]/[\w-]{16,}")
    assert tokens.sub("", text_of(with_pictures)) == tokens.sub("", text_of(without))

    Paper.objects.update(picture="", thumbnail_url="https://elsewhere.example/x.png")
    digest = Digest.objects.get(subscriber=wants)
    again = make_again([_attempted(digest, wants.pk)])[digest.pk]
    assert again.message().as_bytes().split(b"\r\n\r\n", 1)[1] == _body(mails[wants.email])
    assert EditionPaper.objects.filter(picture=NAME).count() == 3


def _body(mail: bytes) -> bytes:
    return mail.split(b"\r\n\r\n", 1)[1]


def _attempted(digest: Digest, reader: int) -> Attempted:
    assert digest.edition_id
    assert digest.handed_over_at
    return Attempted(
        digest.pk,
        digest.uuid,
        digest.edition_id,
        previews.recipient_of(Subscriber.objects.get(pk=reader)),
        tuple(digest.paper_ids),
        tuple(digest.reasons),
        digest.revision,
        "",
        digest.handed_over_at,
    )
