"""Mail backends by their paths, looked at while the settings are still being read."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

SMTP = "digest.delivery.mail_services.smtp.EmailBackend"
ONLY_TO = "digest.delivery.mail_services.only_to.EmailBackend"


def walled(service: Mapping[str, Any]) -> dict[str, Any]:
    """The mail service behind the wall of MAIL_ONLY_TO."""
    options = {**service["OPTIONS"], "behind": service["BACKEND"]}
    return {**service, "BACKEND": ONLY_TO, "OPTIONS": options}


def checked(path: str) -> str:
    """The path of a mail backend's class. Raises ValueError if its module is not there."""
    module, _, name = path.rpartition(".")
    is_path = all(part.isidentifier() and part.isascii() for part in path.split("."))
    if not is_path or not module or not name.endswith("EmailBackend") or not _is_module(module):
        raise ValueError(f"{path[:80]!r} is no mail backend")
    return path


def _is_module(name: str) -> bool:
    """Whether there is such a module. It is not imported, because it may need the settings."""
    top, *rest = name.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return False
    folders = (spec and spec.submodule_search_locations) or []
    paths = [Path(folder).joinpath(*rest) for folder in folders]
    return any(path.with_suffix(".py").is_file() or path.is_dir() for path in paths)


def service_names(path: str) -> tuple[str, ...]:
    """The names of a backend's service where it is the only one: none, and anymail's."""
    try:
        backend = import_module(f"anymail.backends.{path.split('.')[-2]}").EmailBackend
    except (ImportError, AttributeError):
        return "", "smtp"
    return "", str(backend.esp_name)
