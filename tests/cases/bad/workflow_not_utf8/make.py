from pathlib import Path

Path("workflow.json").write_text('{\n"nodes": [], "title": "größer"}', encoding="latin-1")
