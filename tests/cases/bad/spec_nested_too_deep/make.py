from pathlib import Path

Path("runflow.yaml").write_text("endpoints: " + "[" * 900)
