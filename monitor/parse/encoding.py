"""Mends what makes feedparser raise: encodings that are none, character references beyond Unicode. Pure."""

import codecs
import re

_XML = "application/xml"
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"'>]{1,60})["'][^>]{0,200}\?>""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';,]+)""", re.IGNORECASE)
_REFERENCE = re.compile(rb"&#([xX]?)([0-9a-fA-F]{4,});?")
_SEVEN_BIT = re.compile(r"^(?:iso-?2022|hz|utf-?7)", re.IGNORECASE)
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_LARGEST = 0x10FFFF


def mended(body: bytes, content_type: str | None) -> tuple[bytes, str]:
    """Return the document and the content type to read it by.

    A document that is valid UTF-8 is read as that, whatever it or its server says (a legacy encoding is hardly ever
    valid UTF-8 by accident); for others the server's word goes first, then the document's, then guessing.
    """
    body = body.lstrip(b" \t\r\n") if not body.startswith(_BOMS) else body
    document = _REFERENCE.sub(_reference, body) if b"&#" in body else body
    declared = _DECLARED.match(document[:500])
    named = declared.group(1).decode("latin-1").strip() if declared else ""
    if named and not _is_text(named):
        document = document[: declared.start(1)] + b"utf-8" + document[declared.end(1) :] if declared else document
        named = ""
    if not _SEVEN_BIT.match(named) and _is_utf8(document):
        return document, f"{_XML}; charset=utf-8"
    charset = _CHARSET.search(content_type or "")
    if charset and _is_text(charset.group(1)) and not _is_utf8_name(charset.group(1)):
        return document, f"{_XML}; charset={charset.group(1)}"
    # An unnamed one would be taken for UTF-8 with what does not fit replaced: let the document or a guess decide.
    return document, f"{_XML}; charset={named}" if named else _XML


def _reference(found: re.Match[bytes]) -> bytes:
    """Return a character reference as it is, or nothing for one that names no character."""
    digits = found.group(2)
    base = 16 if found.group(1) else 10
    if len(digits.lstrip(b"0")) > 7:
        return b""
    try:
        number = int(digits, base)
    except ValueError:  # a decimal one with letters behind it: the digits alone are the reference
        return found.group()
    return b"" if number > _LARGEST or 0xD800 <= number <= 0xDFFF else found.group()


def _is_text(name: str) -> bool:
    """Whether Python knows `name` as an encoding that turns bytes into text and never raises oddly."""
    try:
        info = codecs.lookup(name)
        b"a".decode(name, "replace")
    except (LookupError, UnicodeError, ValueError, TypeError):
        return False
    return info.name not in ("undefined", "punycode", "idna", "unicode_escape", "raw-unicode-escape", "mbcs", "oem")


def _is_utf8_name(name: str) -> bool:
    return codecs.lookup(name).name == "utf-8"


def _is_utf8(document: bytes) -> bool:
    try:
        document.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return b"\0" not in document[:200]
