"""Calls App Runner through boto3: a request a line on stdin, an answer a line on stdout (see README.md)."""
import datetime
import json
import os
import sys

import boto3
import botocore.config
import botocore.exceptions
import botocore.session


def client(model_path):
    """A client that knows what Debian's botocore ships, or, with a model_path, the model found there."""
    session = botocore.session.Session()
    session.set_config_variable("data_path", model_path)
    return boto3.Session(botocore_session=session).client(
        "apprunner",
        endpoint_url=os.environ["AWS_ENDPOINT_URL_APPRUNNER"],  # this botocore does not read it yet
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )


def plain(value):
    """value as JSON can have it; a time keeps apart from text and numbers."""
    if isinstance(value, datetime.datetime):
        return {"$time": value.timestamp()}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k != "ResponseMetadata"}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value


def answer(client, action, arguments):
    method = getattr(client, botocore.xform_name(action), None)
    if method is None:
        return {"broken": f"this boto3 has no {action}"}
    try:
        return {"output": plain(method(**arguments))}
    except botocore.exceptions.ClientError as e:
        # The class is the model's exception, or ClientError itself for a code that the model does not have.
        return {"error": type(e).__name__, "message": e.response["Error"]["Message"]}
    except botocore.exceptions.BotoCoreError as e:
        return {"broken": f"{type(e).__name__}: {e}"}


clients = {False: client(None), True: client(os.environ["NEWER_MODEL"])}
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(answer(clients[request["newer"]], request["action"], request["input"])), flush=True)
