"""Papers' pictures: what strangers' servers and files may do, and what readers get."""

import io
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.core.files.storage import storages
from django.db.models import F
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw
from pytest_django import Settings

from digest.desk.editions import steering
from digest.models import Curation, Edition, Paper, Picture
from digest.papers import editions
from digest.papers.pictures import drawer, fetching, keeping
from digest.papers.pictures.drawing import NoPicture, drawn
from digest.sources import download
from tests.factories import make_edition, make_paper

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = b"a place and a time"


def picture(size: tuple[int, int] = (1200, 648), mode: str = "RGB", kind: str = "PNG") -> bytes:
    image = Image.new(mode, size)
    if mode in {"RGB", "RGBA"}:
        ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1]), fill="red")
    written = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    more = {"exif": exif} if kind in {"PNG", "JPEG", "WEBP"} else {}
    image.save(written, kind, **more)
    return written.getvalue()


def animated() -> bytes:
    frames = [Image.new("RGB", (640, 336), color) for color in ("red", "blue", "blue")]
    written = io.BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:])
    return written.getvalue()


def png_of(width: int, height: int, rows: int = 0) -> bytes:
    """A PNG that says it has this size, with so many of its rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(rows * (3 * width + 1)), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def with_many_frames() -> bytes:
    """A GIF of 30,000 frames after its first."""
    one = io.BytesIO()
    Image.new("P", (64, 64)).save(one, "GIF")
    whole = one.getvalue()
    frame = whole[whole.index(b",") : -1]
    return whole[:-1] + frame * 30_000 + b";"


SCRIPT = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>"


@pytest.mark.parametrize(
    "data",
    [
        picture(),
        picture(mode="RGBA"),
        picture(mode="LA"),
        picture(mode="1"),
        picture(mode="P"),
        picture(mode="I;16"),
        picture(mode="CMYK", kind="JPEG"),
        picture(mode="L", kind="JPEG"),
        picture(kind="WEBP"),
        picture((300, 1400)),
        picture((32, 32)),
        animated(),
        picture() + SCRIPT + b"PK\x03\x04",  # also a page and an archive, to others
        SVG[:0] + picture(kind="JPEG") + SVG,
    ],
)
def test_any_picture_becomes_a_small_jpeg_with_nothing_of_the_original_but_pixels(
    data: bytes,
) -> None:
    made = drawer.draw(data)

    image = Image.open(io.BytesIO(made))
    image.load()
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", drawer.SIZE)
    assert not image.getexif()
    assert not {"icc_profile", "comment", "exif"} & set(image.info)
    assert len(made) < 100_000
    for hidden in (SECRET, SCRIPT, b"<svg", b"PK\x03\x04"):
        assert hidden not in made
    assert drawer.draw(data) == made


def test_what_is_transparent_is_white_and_an_animation_is_its_first_frame() -> None:
    clear = Image.open(io.BytesIO(drawer.draw(picture(mode="RGBA"))))
    first = Image.open(io.BytesIO(drawer.draw(animated())))

    assert min(clear.getpixel((600, 100))) > 250  # type: ignore[arg-type]  # a tuple
    assert first.getpixel((100, 100))[0] > 240  # type: ignore[index]  # a tuple


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>Not found</html>", id="a page"),
        pytest.param(SVG, id="SVG with a script"),
        pytest.param(b"\x00\x00\x00 ftypavif", id="another format"),
        pytest.param(b"BM" + bytes(100), id="BMP"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run", id="PostScript"),
        pytest.param(picture()[:2000], id="truncated PNG"),
        pytest.param(picture(kind="JPEG")[:1500], id="truncated JPEG"),
        pytest.param(png_of(60_000, 60_000), id="huge, empty"),
        pytest.param(png_of(5000, 5000, rows=5000), id="a bomb of 75 MB"),
        pytest.param(png_of(200_000, 40, rows=40), id="very long"),
        pytest.param(png_of(1000, 12_001), id="more pixels than rows"),
        pytest.param(picture((20, 20)), id="a pixel that counts readers"),
        pytest.param(bytes(drawer.MOST_BYTES + 5), id="many bytes"),
    ],
)
def test_what_is_no_picture_or_a_trap_becomes_none(data: bytes) -> None:
    began = time.process_time()

    with pytest.raises((OSError, ValueError, SyntaxError, Image.DecompressionBombError)):
        drawer.draw(data)

    assert time.process_time() - began < 2


def test_it_is_read_in_another_process_which_says_why_there_is_none() -> None:
    assert drawn(picture()) == drawer.draw(picture())
    with pytest.raises(NoPicture, match="cannot identify image file"):
        drawn(SVG)


def test_a_gif_with_many_frames_is_read_no_further_than_its_first() -> None:
    assert drawer.draw(with_many_frames()).startswith(b"\xff\xd8\xff")


def test_a_decoder_that_wants_all_memory_or_never_ends_harms_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, trap in enumerate(("x = bytearray(2_000_000_000)", "while True: pass")):
        script = tmp_path / f"trap{number}.py"
        text = Path(drawer.__file__).read_text()
        script.write_text(text.replace("    if len(data)", f"    {trap}\n    if len(data)"))
        script.write_text(
            script.read_text().replace("SECONDS = 600_000_000, 8", "SECONDS = 600_000_000, 1")
        )
        monkeypatch.setattr(drawer, "__file__", str(script))
        with pytest.raises(NoPicture):
            drawn(picture())


# --- from a source to a reader -------------------------------------------------------------
Script = Callable[[BaseHTTPRequestHandler], None]


def gives(data: bytes, kind: str = "image/png") -> Script:
    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return script


def gives_100_mb(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(bytes(1_000_000))


def is_missing(handler: BaseHTTPRequestHandler) -> None:
    handler.send_error(404)


class Thumbnails:
    """A server of thumbnails. `scripts` is by path; `most_at_once` is how many it gave together."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.asked: list[str] = []
        self.at_once = self.most_at_once = 0
        world, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with lock:
                    world.asked.append(self.path)
                    world.at_once += 1
                    world.most_at_once = max(world.most_at_once, world.at_once)
                with suppress(OSError):
                    world.scripts.get(self.path, gives(picture()))(self)
                with lock:
                    world.at_once -= 1

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def paper(self, path: str, script: Script | None = None, **fields: object) -> Paper:
        if script:
            self.scripts[path] = script
        port = self.server.server_address[1]
        return make_paper(thumbnail_url=f"http://127.0.0.1:{port}{path}", **fields)


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.PICTURES = True
    settings.STORAGES = {
        **settings.STORAGES,
        "pictures": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        },
    }
    return tmp_path


@pytest.fixture
def host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Thumbnails]:
    """A host on loopback, which is otherwise never asked."""
    anywhere = partial(download, is_allowed=lambda _: True)
    monkeypatch.setattr(fetching, "download", anywhere)
    world = Thumbnails()
    thread = threading.Thread(target=world.server.serve_forever, args=(0.02,))
    thread.start()
    yield world
    world.server.shutdown()
    world.server.server_close()
    thread.join()


def name_of(paper: Paper) -> str:
    paper.refresh_from_db()
    return paper.picture


def test_a_thumbnail_is_fetched_once_and_served_from_our_host_for_good(
    host: Thumbnails, client: Client
) -> None:
    paper = host.paper("/one.png")

    assert fetching.is_due()
    assert fetching.fetch_due(seconds=20) == 1
    assert not fetching.is_due()
    assert fetching.fetch_due(seconds=20) == 0

    assert host.asked == ["/one.png"]
    edition = editions.close(timezone.now().date(), now=timezone.now())
    assert edition
    path = f"/pictures/{name_of(paper)}"
    for page in (f"/archive/{edition.date}", f"/papers/{paper.pk}/paper"):
        html = client.get(page).content.decode()
        assert f'src="https://news.example.org{path}"' in html
        assert "127.0.0.1" not in html
    answer = client.get(path)
    assert answer.content.startswith(b"\xff\xd8\xff")
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not answer.cookies
    assert client.get(path, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.post(path).status_code == 405


@pytest.mark.parametrize(
    "path", [f"/pictures/{'0' * 32}.jpg", "/pictures/..%2fsecret.jpg", "/pictures/x.svg"]
)
def test_no_other_file_is_served(host: Thumbnails, client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_one_that_fails_is_tried_three_times_and_delays_neither_others_nor_the_edition(
    host: Thumbnails,
) -> None:
    bad = [
        host.paper("/svg", gives(SVG, "image/png"), votes=9),
        host.paper("/large", gives_100_mb, votes=8),
        host.paper("/gone", is_missing, votes=7),
        host.paper("/bomb", gives(png_of(5000, 5000, rows=5000)), votes=6),
    ]
    good = host.paper("/good")

    for _ in range(4):
        fetching.fetch_due(seconds=30)
        Picture.objects.update(tried_at=F("tried_at") - timedelta(hours=1))

    assert [name_of(paper) for paper in bad] == [""] * 4
    assert name_of(good)
    assert {path: host.asked.count(path) for path in host.asked} == {
        "/svg": 3,
        "/large": 3,
        "/gone": 3,
        "/bomb": 3,
        "/good": 1,
    }
    assert host.most_at_once == 1
    assert editions.close(timezone.now().date(), now=timezone.now())


def test_a_private_address_is_never_asked(folder: Path) -> None:
    paper = make_paper(thumbnail_url="http://127.0.0.1:9/x.png")

    assert fetching.fetch_due(seconds=5) == 0
    assert name_of(paper) == ""
    assert (
        "not on the public internet" in Picture.objects.get().problem
        or Picture.objects.get().problem
    )


def test_a_storage_that_is_full_is_one_failure(host: Thumbnails, settings: Settings) -> None:
    paper = host.paper("/one.png")
    settings.STORAGES = {
        **settings.STORAGES,
        "pictures": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": "/proc/none"},
        },
    }

    assert fetching.fetch_due(seconds=5) == 0
    assert name_of(paper) == ""
    assert Picture.objects.get().problem.startswith("It could not be stored")


def test_an_operator_hides_a_picture_everywhere_and_shows_it_again(
    host: Thumbnails, client: Client, folder: Path
) -> None:
    paper = host.paper("/one.png")
    fetching.fetch_due(seconds=20)
    name = name_of(paper)

    assert steering.hide_picture(paper, None)
    assert not steering.hide_picture(paper, None)

    assert Curation.objects.of([paper.pk])[paper.pk].hides_picture
    assert client.get(f"/pictures/{name}").status_code == 404
    assert list(folder.iterdir()) == []
    assert fetching.fetch_due(seconds=20) == 0
    assert steering.show_picture(paper, None)
    assert fetching.fetch_due(seconds=20) == 1
    assert name_of(paper) == name


def test_old_pictures_go_and_the_same_file_stays_for_another_paper(
    host: Thumbnails, folder: Path, settings: Settings
) -> None:
    old, new = host.paper("/one.png"), host.paper("/two.png")
    fetching.fetch_due(seconds=20)
    assert name_of(old) == name_of(new)
    today = timezone.now().date()
    make_edition([old], day=today - timedelta(days=settings.PICTURES_DAYS + 1))
    Edition.objects.update(closed_at=timezone.now())
    make_edition([new], day=today)

    fetching.fetch_due(seconds=1)

    assert (name_of(old), bool(name_of(new))) == ("", True)
    assert len(list(folder.iterdir())) == 1
    assert storages["pictures"].exists(new.picture)
    assert keeping.prune(timezone.now() + timedelta(days=settings.PICTURES_DAYS + 2)) == 1
    assert list(folder.iterdir()) == []
