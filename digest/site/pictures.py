"""Papers' pictures, from our own host."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.views.decorators.http import require_safe

from digest.papers.pictures import keeping


@require_safe
def show(request: HttpRequest, name: str) -> HttpResponse:
    """Send a picture. The address is the same for everybody, so it says nothing about who reads.

    A name is the hash of what it names, so whoever has it need never ask again.
    """
    etag = f'"{name}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    picture = keeping.read(name)
    if picture is None:
        raise Http404
    response = HttpResponse(picture, content_type="image/jpeg")
    response["ETag"] = etag
    response["Cache-Control"] = "public, max-age=31536000, immutable"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = "inline"
    # Webmail shows it in pages of other hosts.
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
