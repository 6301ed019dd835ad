"""Asks csync2rev on a host for a verb, and prints each reply as a line of JSON: client.py HOST CONFIG REQUEST."""

import json
import socket
import sys

from csync2rev_v1 import ask, read_key

host, config, request = sys.argv[1:]
with socket.create_connection((host, 30866)) as connection:
    with connection.makefile("rwb") as stream:
        for reply in ask(stream, read_key(), config.encode(), json.loads(request)):
            print(json.dumps(reply), flush=True)
