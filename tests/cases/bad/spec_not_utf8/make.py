from pathlib import Path

Path("runflow.yaml").write_bytes(b"version: 1\nproject: caf\xe9\n")
