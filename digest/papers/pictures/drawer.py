"""Reads a picture from the standard input and writes it, small and as a JPEG, to the output.

A script of its own (``drawing`` runs it): nobody knows what a stranger's picture does to a decoder,
so it has a process with little memory and time, in which there is nothing to be had. It imports
nothing of ours, and nothing of ours imports it but ``drawing``, which needs no Pillow for that.
Exits with 1, and a reason on the standard error, if it makes no picture.
"""

import io
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

# The size of all pictures. One that is much narrower or wider gets white edges.
SIZE = WIDTH, HEIGHT = 640, 336
# What Pillow may try to read. No SVG: that is a program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_BYTES = 4_000_000
MOST_PIXELS, LONGEST_SIDE, SHORTEST_SIDE = 12_000_000, 10_000, 32
QUALITY = 82
# Address space, of which only a part is used, and seconds of computing.
MEMORY, SECONDS = 600_000_000, 8
# A crop that leaves this share of a picture is better than edges.
_NEARLY_ALL = 0.85


def main() -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        drawn = draw(sys.stdin.buffer.read(MOST_BYTES + 1))
    except Exception as error:  # whatever it is, there is no picture
        sys.stderr.write(f"{type(error).__name__}: {str(error)[:150]}")
        return 1
    sys.stdout.buffer.write(drawn)
    return 0


def draw(data: bytes) -> bytes:
    """Return the first frame of the picture as a JPEG of `SIZE`, without metadata."""
    # Those that are not named here are not even loaded. Each registers what it reads.
    from PIL import (  # noqa: PLC0415
        GifImagePlugin,  # noqa: F401
        Image,
        JpegImagePlugin,  # noqa: F401
        PngImagePlugin,  # noqa: F401
        WebPImagePlugin,  # noqa: F401
    )

    if len(data) > MOST_BYTES:
        raise ValueError("it has too many bytes")
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    _check_size(*image.size)
    image.draft("RGB", (2 * WIDTH, 2 * HEIGHT))  # no JPEG is decoded much larger than needed
    image.load()
    clean = Image.new("RGB", SIZE)
    clean.paste(_fitted(image))
    written = io.BytesIO()
    clean.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()


def _check_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise ValueError(f"it has {width} x {height} pixels")
    if min(width, height) < SHORTEST_SIDE:
        raise ValueError(f"it has only {width} x {height} pixels")


def _fitted(image: "Picture") -> "Picture":
    """Return the picture upright, on white, cut or edged to `SIZE`."""
    from PIL import ImageOps  # noqa: PLC0415

    flat = _on_white(ImageOps.exif_transpose(image))
    shapes = sorted((flat.width / flat.height, WIDTH / HEIGHT))
    if shapes[0] / shapes[1] >= _NEARLY_ALL:
        return ImageOps.fit(flat, SIZE)
    return ImageOps.pad(flat, SIZE, color="white")


def _on_white(image: "Picture") -> "Picture":
    """Return the picture in RGB, on white where it is transparent."""
    from PIL import Image  # noqa: PLC0415

    if not image.has_transparency_data:
        return image.convert("RGB")
    layered = image.convert("RGBA")
    white = Image.new("RGB", layered.size, "white")
    white.paste(layered, mask=layered.getchannel("A"))
    return white


if __name__ == "__main__":
    sys.exit(main())
