"""Is there somebody at the other end? Asked once a host, before anything large is begun."""

from __future__ import annotations

import functools

_SECONDS = 5.0


@functools.cache
def reachable(host: str) -> bool:
    """Whether `host` answers at all over HTTPS; a proxy of the environment is used."""
    import requests

    try:
        requests.head(f"https://{host}/", timeout=_SECONDS)
    except requests.RequestException:
        return False
    return True
