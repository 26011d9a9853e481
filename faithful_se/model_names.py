"""One spelling of a model's name: of a folder, whatever slashes were typed, and of a server, whatever port it got."""

from __future__ import annotations

import os
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

# The ports that an address means where it names none.
_DEFAULT_PORTS = {"http": 80, "https": 443}

# Names of this machine. `_is_this_machine` knows the addresses.
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


def folder_name(name: str) -> str:
    """A folder without what says nothing: `./runs//base/` is `runs/base`. Names on the hub stay as they are.

    Links are not followed: what `runs/latest` leads to may have changed since.
    """
    return os.path.normpath(re.sub("/+", "/", name)) if name and "://" not in name else name


def server_address(url: str) -> str:
    """An address without what a restart changes: `http://127.0.0.1:8000/v1/` is `http://localhost/v1`.

    A server on this machine gets another port with each start, so its port says nothing. On other hosts the port stays:
    two ports there are two servers. A user's name and password are left out.
    """
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return url
    if _is_this_machine(host):
        host, port = "localhost", None
    elif ":" in host:
        host = f"[{host}]"
    place = host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"
    path = re.sub("/+", "/", parts.path).rstrip("/")
    return f"{parts.scheme}://{place}{path}" + (f"?{parts.query}" if parts.query else "")


def _is_this_machine(host: str) -> bool:
    if host in _LOCAL_NAMES or host.endswith(".localhost") or re.fullmatch(r"127(\.\d+){1,3}", host):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified
