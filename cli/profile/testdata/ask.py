"""Asks the AWS CLI what it makes of each configuration: a list of {env, profile, region, endpoint, ca, insecure}."""
import json
import os
import sys

from awscli.clidriver import CLIDriver
from awscli.customizations.assumerole import register_assume_role_provider
from awscli.customizations.binaryformat import add_binary_formatter
from awscli.customizations.timestampformat import register_timestamp_format
from botocore.exceptions import ProfileNotFound
from botocore.loaders import create_loader
from botocore.session import Session

loader = create_loader()


def create_driver():
    """As awscli.clidriver does it, without the handlers that are about other things and take long to register."""
    session = Session(include_builtin_handlers=False)
    session.full_config
    events = session.get_component("event_emitter")
    register_timestamp_format(events)
    events.register("session-initialized", add_binary_formatter)
    register_assume_role_provider(events)
    return CLIDriver(session=session)


def said(ask):
    try:
        return ask()
    except Exception as e:
        return {"error": str(e)}


def resolved(session, row):
    verify = row.get("ca")
    if row.get("insecure"):
        verify = False
    client = session.create_client(
        "apprunner", region_name=row.get("region"), endpoint_url=row.get("endpoint"), verify=verify)
    model = client.meta.service_model.operation_model("ListServices")
    url, _ = client._resolve_endpoint_ruleset(model, {}, {"client_region": client.meta.region_name})
    trust = client._endpoint.http_session._verify
    answer = {
        "endpoint": url,
        "region": client._request_signer.region_name,
        "verify": bool(trust),
        "bundle": trust if isinstance(trust, str) else "",
        "mode": client.meta.config.retries["mode"],
        "attempts": client.meta.config.retries["max_attempts"],
        "validate": client._serializer.__class__.__name__ == "ParamValidationDecorator",
        "keys": None,
    }
    credentials = client._request_signer._credentials
    if credentials is not None:
        frozen = credentials.get_frozen_credentials()
        answer["keys"] = [frozen.access_key, frozen.secret_key, frozen.token or ""]
    return answer


def timestamps(driver):
    driver._emit_session_event(Args())
    return driver.session.get_component("response_parser_factory")._defaults["timestamp_parser"].__name__


class Args:
    command = "apprunner"
    cli_binary_format = None
    no_cli_pager = False


def ask(row):
    os.environ.clear()
    os.environ.update(row["env"])
    try:
        driver = create_driver()
    except Exception as e:
        return {"open": str(e)}
    session = driver.session
    session.register_component("data_loader", loader)
    if row.get("profile"):
        session.set_config_variable("profile", row["profile"])
    if row.get("region"):
        session.set_config_variable("region", row["region"])

    def prompt():
        try:
            return session.get_config_variable("cli_auto_prompt").lower()
        except ProfileNotFound:
            return "off"

    return {
        "open": "",
        "profile": session.profile or "default",
        "output": said(lambda: session.get_config_variable("output")),
        "pager": said(lambda: session.get_config_variable("pager")),
        "prompt": said(prompt),
        "start": said(lambda: timestamps(driver)),
        "resolved": said(lambda: resolved(session, row)),
    }


json.dump([ask(row) for row in json.load(sys.stdin)], sys.stdout)
