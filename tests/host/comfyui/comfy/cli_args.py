"""The arguments of the stand-in, under the names that they have in ComfyUI.

Source of names and defaults: comfy/cli_args.py at 3cd7b32f.
"""

import argparse
from pathlib import Path

_parser = argparse.ArgumentParser(description="A stand-in for ComfyUI 0.8.0 in browser tests.")
_parser.add_argument("--base-directory", required=True, help="holds input, output, user, models …")
_parser.add_argument("--listen", default="127.0.0.1", help="addresses, joined by commas")
_parser.add_argument("--port", type=int, default=8188)
_parser.add_argument("--pack", action="append", default=[], help="a node pack beside custom_nodes")
_parser.add_argument("--hold", type=Path, help="nodes wait as long as this file is there")
_parser.add_argument("--max-upload-size", type=float, default=100, help="in MB")
_parser.add_argument(
    "--disable-metadata", action="store_true", help="no workflow in saved pictures"
)
_parser.add_argument("--disable-api-nodes", action="store_true")  # there are none
_parser.add_argument("--disable-auto-launch", action="store_true")  # it never opens a browser
_parser.add_argument("--cpu", action="store_true")  # it knows nothing else
_parser.set_defaults(
    enable_cors_header=None,
    enable_manager=False,
    multi_user=False,
    tls_certfile=None,
    tls_keyfile=None,
)

args = _parser.parse_args()
