"""csync2rev's protocol 1, written from the README's protocol section with libsodium (PyNaCl) and another HKDF."""

import json
import os
import struct

from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from nacl.secret import SecretBox

MAGIC = b"csync2rev"
VERSION = 1


def read_exactly(stream, count):
    data = b""
    while len(data) < count:
        part = stream.read(count - len(data))
        if not part:
            raise EOFError(f"{len(data)} of {count} bytes")
        data += part
    return data


def read_frame(stream, limit):
    (length,) = struct.unpack(">H", read_exactly(stream, 2))
    if not 0 < length <= limit:
        raise ValueError(f"a frame of {length} bytes")
    return read_exactly(stream, length)


def frame(body):
    return struct.pack(">H", len(body)) + body


def derive(key, challenge, nonce, label, config):
    info = b"csync2rev/1 " + label + b"\0" + config
    return SecretBox(HKDF(SHA512(), 32, challenge + nonce, info).derive(key))


def seal(box, number, text):
    return box.encrypt(text, bytes(16) + struct.pack(">Q", number)).ciphertext


def unseal(box, number, ciphertext):
    return box.decrypt(ciphertext, bytes(16) + struct.pack(">Q", number))


def read_key(file="/etc/csync2.key"):
    with open(file, "rb") as lines:
        return lines.readline().rstrip(b"\n")


def ask(stream, key, config, request):
    """The requester's side: yields the replies."""
    greeting = read_frame(stream, 16384)
    if greeting[:9] != MAGIC or greeting[9] != VERSION or len(greeting) != 42:
        raise ValueError("not csync2rev's greeting")
    challenge, nonce = greeting[10:], os.urandom(32)
    box = derive(key, challenge, nonce, b"request", config)
    sealed = seal(box, 0, json.dumps(request, ensure_ascii=False).encode())
    stream.write(frame(bytes([VERSION, len(config)]) + config + nonce + sealed))
    stream.flush()
    replies = derive(key, challenge, nonce, b"reply", config)
    number = 0
    while True:
        reply = json.loads(unseal(replies, number, read_frame(stream, 16384)))
        yield reply
        if reply["type"] in ("done", "refused"):
            return
        number += 1


def greet(stream, keys):
    """The handler's side: the request, and what sends a reply."""
    challenge = os.urandom(32)
    stream.write(frame(MAGIC + bytes([VERSION]) + challenge))
    stream.flush()
    body = read_frame(stream, 1024)
    if body[0] != VERSION or body[1] > 32:
        raise ValueError("not a request")
    config = body[2 : 2 + body[1]]
    nonce = body[2 + body[1] : 34 + body[1]]
    sealed = body[34 + body[1] :]
    for key in keys:
        try:
            text = unseal(derive(key, challenge, nonce, b"request", config), 0, sealed)
        except Exception:
            continue
        box = derive(key, challenge, nonce, b"reply", config)
        sent = 0

        def reply(**fields):
            nonlocal sent
            stream.write(frame(seal(box, sent, json.dumps(fields).encode())))
            stream.flush()
            sent += 1

        return json.loads(text), reply
    raise ValueError("no key opens it")
