"""A self-signed TLS certificate for loopback, made anew for each run: kubectl sends no token without TLS.

Python's standard library serves TLS and cannot make a certificate, and a library for one would be the largest
dependency of all. So here is the little of X.509 (RFC 5280), DER (X.690) and ECDSA on P-256 (FIPS 186-5,
RFC 5915) that one certificate takes. Arithmetic is not constant-time, and need not be: the key signs once,
protects a simulation on loopback, and ends with it.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

Point: TypeAlias = tuple[int, int] | None  # None is the point at infinity

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_A = _P - 3
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G: Point = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_SIZE = 32

_INTEGER, _BITS, _OCTETS, _OID, _TEXT, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x30, 0x31
_TRUE = b"\x01\x01\xff"
_EC_PUBLIC_KEY = "1.2.840.10045.2.1"
_P256 = "1.2.840.10045.3.1.7"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_COMMON_NAME = "2.5.4.3"
_KEY_USAGE, _ALT_NAMES, _CONSTRAINTS, _EXTENDED_USAGE = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.37"
_SERVER_AUTH = "1.3.6.1.5.5.7.3.1"
_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)


class Certificate(NamedTuple):
    """PEM texts. `key` is private."""

    certificate: str
    key: str


def self_signed(now: datetime, *, addresses: tuple[str, ...] = ("127.0.0.1", "::1")) -> Certificate:
    """Make a new key and a certificate for it that clients can trust as its own authority, for a year.

    It is for `localhost` and `addresses`.
    """
    number = secrets.randbelow(_N - 1) + 1
    public = _point_bytes(_times(number, _G))
    body = _certificate_body(now, addresses, public)
    signature = _sign(number, body)
    certificate = _tagged(_SEQUENCE, body, _algorithm(), _tagged(_BITS, b"\0", signature))
    key = _tagged(
        _SEQUENCE,
        _integer(1),
        _tagged(_OCTETS, number.to_bytes(_SIZE, "big")),
        _tagged(0xA0, _oid(_P256)),
        _tagged(0xA1, _tagged(_BITS, b"\0", public)),
    )
    return Certificate(_pem("CERTIFICATE", certificate), _pem("EC PRIVATE KEY", key))


def _certificate_body(now: datetime, addresses: tuple[str, ...], public: bytes) -> bytes:
    name = _tagged(
        _SEQUENCE,
        _tagged(_SET, _tagged(_SEQUENCE, _oid(_COMMON_NAME), _tagged(_TEXT, b"simcluster (simulation)"))),
    )
    alternatives = [_tagged(0x82, b"localhost")]
    alternatives += [_tagged(0x87, ipaddress.ip_address(each).packed) for each in addresses]
    return _tagged(
        _SEQUENCE,
        _tagged(0xA0, _integer(2)),  # version 3
        _integer(secrets.randbits(127) + 1),
        _algorithm(),
        name,
        _tagged(_SEQUENCE, _time(now - _DAY), _time(now + _YEAR)),
        name,
        _tagged(
            _SEQUENCE,
            _tagged(_SEQUENCE, _oid(_EC_PUBLIC_KEY), _oid(_P256)),
            _tagged(_BITS, b"\0", public),
        ),
        _tagged(
            0xA3,
            _tagged(
                _SEQUENCE,
                _extension(_CONSTRAINTS, _tagged(_SEQUENCE, _TRUE), critical=True),
                # digitalSignature and keyCertSign
                _extension(_KEY_USAGE, _tagged(_BITS, b"\x02\x84"), critical=True),
                _extension(_EXTENDED_USAGE, _tagged(_SEQUENCE, _oid(_SERVER_AUTH))),
                _extension(_ALT_NAMES, _tagged(_SEQUENCE, *alternatives)),
            ),
        ),
    )


def _sign(number: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    while True:
        nonce = secrets.randbelow(_N - 1) + 1
        point = _times(nonce, _G)
        r = point[0] % _N if point else 0
        s = pow(nonce, -1, _N) * (digest + r * number) % _N
        if r and s:
            return _tagged(_SEQUENCE, _integer(r), _integer(s))


def _times(factor: int, point: Point) -> Point:
    found: Point = None
    while factor:
        if factor & 1:
            found = _sum(found, point)
        point = _sum(point, point)
        factor >>= 1
    return found


def _sum(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % _P == 0:
        return None
    if one == other:
        slope = (3 * x1 * x1 + _A) * pow(2 * y1, -1, _P) % _P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P) % _P
    x = (slope * slope - x1 - x2) % _P
    return x, (slope * (x1 - x) - y1) % _P


def _point_bytes(point: Point) -> bytes:
    if point is None:
        raise ValueError("the point at infinity is no public key")
    return b"\x04" + point[0].to_bytes(_SIZE, "big") + point[1].to_bytes(_SIZE, "big")


def _tagged(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:  # noqa: PLR2004 - X.690, 8.1.3.4: short form
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def _integer(value: int) -> bytes:
    return _tagged(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _oid(dotted: str) -> bytes:
    first, second, *rest = (int(each) for each in dotted.split("."))
    found = bytearray()
    for number in (first * 40 + second, *rest):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        found += bytes(reversed(groups))
    return _tagged(_OID, bytes(found))


def _algorithm() -> bytes:
    return _tagged(_SEQUENCE, _oid(_ECDSA_SHA256))


def _time(moment: datetime) -> bytes:
    return _tagged(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())  # UTCTime, good until 2049


def _extension(identifier: str, value: bytes, *, critical: bool = False) -> bytes:
    return _tagged(_SEQUENCE, _oid(identifier), _TRUE if critical else b"", _tagged(_OCTETS, value))


def _pem(label: str, body: bytes) -> str:
    text = base64.encodebytes(body).decode().replace("\n", "")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
