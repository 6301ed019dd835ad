"""A handler for inetd: runs real csync2 for `check` and `update`, as the README's protocol section has it."""

import subprocess
import sys

from csync2rev_v1 import greet, read_key


class Stream:
    """inetd's connection: read from one end, written to the other."""

    read = sys.stdin.buffer.read
    write = sys.stdout.buffer.write
    flush = sys.stdout.buffer.flush


COMMANDS = {"check": ["-c", "-r", "/"], "update": ["-u", "-P", "{from}"]}


def csync2(*arguments):
    command = ["/usr/sbin/csync2", "-v", *arguments]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


request, reply = greet(Stream, [read_key()])
with open("/tmp/asked", "a") as log:
    print(request["verb"], request["group"], request["from"], request["to"], file=log)
if request["verb"] not in COMMANDS:
    reply(type="refused", reason="unsupported-verb", detail="only check and update, this is a test")
    sys.exit()
reply(type="accepted")
reply(type="alive", idle=0)
run = csync2(*(word.replace("{from}", request["from"]) for word in COMMANDS[request["verb"]]))
for line in run.stderr.splitlines():
    reply(type="output", line=line)
rows = [row.split("\t") for row in csync2("-M").stdout.splitlines()]
files = [row[3] for row in rows if row[2] == request["from"]]
updated = sum(line.startswith("Updating ") for line in run.stderr.splitlines())
reply(type="done", exit=run.returncode, updated=updated, deleted=0, pending=len(files), files=files[:20], hello="unknown fields are ignored")
