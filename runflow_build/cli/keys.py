"""`runflow keys`: make, list and revoke API keys of one's own server."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from .serve import require_server

NAME = "keys"
HELP = "make, list and revoke API keys of your own server"


def add(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "example:\n"
        "  runflow keys create --label ci --scopes runs:create,runs:read\n"
        "  runflow keys revoke ci"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="make a key; it is shown this once")
    create.add_argument("--scopes", metavar="A,B", help="what it may do (everything)")
    create.add_argument("--label", default="", help="a name to know it by")
    create.add_argument("--organization", default="local", help="whose key it is (%(default)s)")
    listing = actions.add_parser("list", help="list all keys, without the keys themselves")
    revoke = actions.add_parser("revoke", help="let nobody in with these keys any more")
    revoke.add_argument("name", metavar="ID|LABEL|PREFIX", help="as `list` shows it")
    for action in (create, listing, revoke):
        action.add_argument("--data", type=Path, metavar="DIR", help="the server's data folder")
    for action in (create, listing):
        action.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Do one of the three."""
    require_server()
    from ..server.settings import default_data_dir

    data_dir = args.data or default_data_dir()
    actions = {"create": _create, "list": _list, "revoke": _revoke}
    return actions[args.action](args, data_dir)


def _create(args: argparse.Namespace, data_dir: Path) -> int:
    from ..server.keys import SCOPES, create_key

    scopes = args.scopes.replace(",", " ").split() if args.scopes is not None else SCOPES
    key = create_key(data_dir, scopes, args.organization, args.label)
    if args.json:
        shape = {"key": key, "organization": args.organization, "scopes": list(scopes)}
        print(json.dumps(shape))
    else:
        print(key)
    return 0


def _list(args: argparse.Namespace, data_dir: Path) -> int:
    from ..server.keys import list_keys

    keys = list_keys(data_dir)
    if args.json:
        print(json.dumps({"keys": [asdict(key) for key in keys]}))
        return 0
    for key in keys:
        state = f"revoked {key.revoked_at[:10]}" if key.revoked_at else "valid"
        scopes = " ".join(key.scopes)
        print(f"{key.id}  {key.prefix}…  {key.organization}  {state}  {key.label or '-'}  {scopes}")
    return 0


def _revoke(args: argparse.Namespace, data_dir: Path) -> int:
    from ..server.keys import revoke_key

    revoke_key(data_dir, args.name)
    return 0
