from pathlib import Path

Path("workflow.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
