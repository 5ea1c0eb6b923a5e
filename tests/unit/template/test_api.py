"""The API: which routes have no authorizer, the functions it may invoke, and the answers of the gateway itself."""

import json

import pytest

from chancery.wiring.routes import PAGES, ROUTES
from tests.unit.template.parsed import resources

API = resources("AWS::Serverless::Api")["Api"]
INVOKES = "lambda:path/2015-03-31/functions/${{{}.Arn}}/invocations"
RESPONSES = API["GatewayResponses"]


def test_only_open_routes_go_without_the_authorizer():
    unauthorized = {
        path
        for path, methods in API["DefinitionBody"]["paths"].items()
        for operation in methods.values()
        if operation.get("security") == [{"NONE": []}]
    }

    assert API["Auth"]["DefaultAuthorizer"] == "Oidc"
    assert unauthorized == {route.path for route in (*ROUTES, *PAGES) if route.open} | {"/", "/{proxy+}"}


def test_the_authorizer_gets_the_whole_request_and_its_answer_is_cached_by_the_token_alone():
    (authorizer,) = API["Auth"]["Authorizers"].values()

    assert authorizer["FunctionPayloadType"] == "REQUEST"
    assert authorizer["Identity"] == {"Headers": ["Authorization"], "ReauthorizeEvery": 300}


def test_the_gateway_may_invoke_the_functions_of_its_routes_and_no_other():
    integrated = {
        operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"].rpartition("functions/")[2]
        for methods in API["DefinitionBody"]["paths"].values()
        for operation in methods.values()
    }
    permissions = resources("AWS::Lambda::Permission").values()

    by_source: dict[str, set[str]] = {}
    for item in permissions:
        source = item["SourceArn"]["Fn::Sub"].rpartition(":")[2]
        by_source.setdefault(source, set()).add(item["FunctionName"]["Ref"])
    assert {f"${{{name}.Arn}}/invocations" for name in by_source.pop("${Api}/*")} == integrated
    assert by_source == {"${LiveApi}/*": {"AuthorizeRequest", "ServeLive"}}


def test_a_websocket_opens_with_a_valid_token_only():
    routes = {item["RouteKey"]: item for item in resources("AWS::ApiGatewayV2::Route").values()}

    assert routes.keys() == {"$connect", "$disconnect", "$default"}
    assert routes["$connect"]["AuthorizationType"] == "CUSTOM"
    assert routes["$connect"]["AuthorizerId"] == {"Ref": "LiveAuthorizer"}


@pytest.mark.parametrize("kind", RESPONSES)
def test_an_answer_of_the_gateway_itself_is_a_problem_with_the_path_of_the_request(kind):
    response = RESPONSES[kind]
    problem = json.loads(response["ResponseTemplates"]["application/json"])

    assert problem.keys() - {"status"} == {"type", "title", "detail", "instance"}
    assert problem["instance"] == "$context.path"
    assert problem.get("status") == response.get("StatusCode")
    headers = response["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == "'application/problem+json'"
    assert headers["X-Content-Type-Options"] == "'nosniff'"
