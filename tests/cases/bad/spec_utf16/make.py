from pathlib import Path

Path("runflow.yaml").write_text("version: 1\n", encoding="utf-16-le")
Path("runflow.yaml").write_bytes(b"\xff\xfe" + Path("runflow.yaml").read_bytes())
