from pathlib import Path

Path("workflow.json").write_text('{"nodes": ' + "[" * 30_000 + "]" * 30_000 + "}", encoding="utf-8")
