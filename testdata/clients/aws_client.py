"""Calls App Runner through the aws command: a request a line on stdin, an answer a line on stdout (see README.md).

Each call is a process of its own, as a user's is, that runs what /usr/bin/aws runs; it is forked from here only because
half a second of imports at every call would make up most of the test's time.
"""
import datetime
import json
import os
import re
import sys
import tempfile

import awscli.clidriver
from awscli.botocore import xform_name

REFUSED = 254  # the exit code after an error that the service answered


def command(action, arguments):
    """The command line as a user types it, one option for each member."""
    words = ["aws", "apprunner", xform_name(action, "-"), "--endpoint-url", os.environ["AWS_ENDPOINT_URL_APPRUNNER"], "--output", "json"]
    for name, value in arguments.items():
        option = xform_name(name, "-")
        if isinstance(value, bool):
            words += ["--" + option if value else "--no-" + option]
        elif isinstance(value, list) and all(isinstance(v, str) for v in value):
            words += ["--" + option] + value
        else:
            words += ["--" + option, value if isinstance(value, str) else json.dumps(value)]
    return words


def run(words, newer):
    """The exit code, stdout and stderr of the command."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            if newer:
                os.environ["AWS_DATA_PATH"] = os.environ["NEWER_MODEL"] + os.pathsep + os.environ["AWS_DATA_PATH"]  # set by awscli
            sys.argv = words
            code = awscli.clidriver.main()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        return os.waitstatus_to_exitcode(status), out.read().decode(), err.read().decode().strip()


def times(value):
    """value with the times, which the command prints as text, kept apart from text."""
    if isinstance(value, dict):
        return {k: {"$time": datetime.datetime.fromisoformat(v).timestamp()} if k.endswith("At") else times(v) for k, v in value.items()}
    if isinstance(value, list):
        return [times(v) for v in value]
    return value


def answer(words, newer):
    code, out, err = run(words, newer)
    if code == 0:
        return {"output": times(json.loads(out or "{}"))}
    refused = re.fullmatch(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(reached max retries: 0\))?: (.*)", err, re.DOTALL)
    if code == REFUSED and refused:
        return {"error": refused[1], "message": refused[2]}
    return {"broken": f"exit code {code}: {err}"}


for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(answer(command(request["action"], request["input"]), request["newer"])), flush=True)
