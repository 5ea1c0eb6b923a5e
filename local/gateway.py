"""The API's gateway responses, which the emulator does not import from the API's definition."""

from typing import Any

import yaml

from local.deploy import BUILD, STAGE


def set_gateway_responses(apigateway: Any, api_id: str) -> None:
    """Puts the template's gateway responses on the deployed API, and deploys the stage with them."""
    with (BUILD / "template.yaml").open() as lines:
        template = yaml.load(lines, Loader=_CloudFormationLoader)
    for kind, response in template["Resources"]["Api"]["Properties"]["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        status = {"statusCode": str(response["StatusCode"])} if "StatusCode" in response else {}
        apigateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            **status,
            responseParameters={f"gatewayresponse.header.{name}": value for name, value in headers.items()},
            responseTemplates=response["ResponseTemplates"],
        )
    apigateway.create_deployment(restApiId=api_id, stageName=STAGE)


class _CloudFormationLoader(yaml.SafeLoader):
    """Reads a template; what its functions would give is of no interest here."""


_CloudFormationLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
