"""One form for the many addresses of one page. Pure.

A link alone proves nothing: live pages and listings keep theirs.
"""

import re
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

_TRACKING = re.compile(
    r"^(?:utm_.*|at_.*|mc_.*|_hs.*|fbclid|gclid|dclid|msclkid|yclid|igshid|ocid|cmpid?|cmp|ref|ref_src|referrer|source"
    r"|src|feature|smid|smtyp|ito|ns_.*|partner|rss|xtor|taid|sh|s_cid|ncid|cid|icid|mod|via|amp|outputtype|traffic_source"
    r"|feedtype|feedname|guccounter|share|shared|email|output)$",
    re.IGNORECASE,
)
_MOBILE = re.compile(r"^(?:www\d?|m|mobile|amp|edition|touch|wap)\.")
_AMP_PATH = re.compile(r"(?:/amp|\.amp|/amp\.html|\.amp\.html|/amphtml)/?$|^/amp(?=/)", re.IGNORECASE)
_AMP_CACHE = re.compile(r"^(?:[a-z0-9-]+\.)?cdn\.ampproject\.org$")


def canonical(url: str) -> str:
    """Return the one form of `url`: no scheme, mobile host, AMP form, tracking parameters or fragment.

    Empty for what is no link to a page.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").casefold().rstrip("."), parts.port
    except ValueError:
        return ""
    if parts.scheme.lower() not in {"http", "https"} or not host:
        return ""
    path = parts.path
    if _AMP_CACHE.match(host) or (host.endswith("google.com") and path.startswith("/amp/")):
        inner = re.sub(r"^/(?:amp|[acvi])/(?:s/)?", "", path)
        return canonical(f"https://{inner}") if "/" in inner else ""
    while (bare := _MOBILE.sub("", host)) != host and "." in bare:
        host = bare
    path = _AMP_PATH.sub("", unquote(path)).rstrip("/")
    path = re.sub(r"/(?:index|default)\.(?:html?|php|aspx?)$", "", path)
    query = sorted((name, value) for name, value in parse_qsl(parts.query) if not _TRACKING.match(name))
    place = host if port in {None, 80, 443} else f"{host}:{port}"
    return f"{place}{path}" + (f"?{urlencode(query)}" if query else "")
