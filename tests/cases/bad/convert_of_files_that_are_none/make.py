import zlib
from pathlib import Path


def chunk(kind: bytes, data: bytes) -> bytes:
    size, check = len(data), zlib.crc32(kind + data)
    return size.to_bytes(4, "big") + kind + data + check.to_bytes(4, "big")


PIXELS = chunk(b"IDAT", zlib.compress(b"\0" * 4)) + chunk(b"IEND", b"")
START = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\2\0\0\0")
GRAPH = chunk(b"tEXt", b'workflow\0{"nodes": [')
PROMPT = chunk(b"tEXt", b'prompt\0{"1": {"class_type": "EmptyImage", "inputs": {"width": NaN}}}')

Path("stripped.png").write_bytes(START + PIXELS)
Path("short.png").write_bytes(START[:20])
Path("broken.png").write_bytes(START + GRAPH + PROMPT + PIXELS)
Path("graph.png").write_bytes(START + GRAPH + PIXELS)
Path("photo.jpg").write_bytes(b"\xff\xd8\xff\xe0")
Path("clip.mp4").write_bytes(b"\0\0\0\x20ftypisom")
