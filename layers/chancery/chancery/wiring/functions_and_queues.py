"""Functions and queues that belong to no one record type."""

from chancery.core.aws.declarations import Function, Queue

QUEUES = (Queue("rejects", "Events that can never be stored; see docs/operations.md, Rejects", is_consumed=False),)
FUNCTIONS = (
    Function(
        "authorize_request",
        "checks an OIDC access token and answers with the principal",
        layers=("auth",),
        parameters=("OidcIssuer", "OidcAudience", "OidcJwksUri", "RoleClaim", "TenantsClaim", "TokenUse"),
        in_vpc=False,  # the issuer of tokens is on the internet
        trigger="API Gateway authorizer",
    ),
    Function("check_health", "whether database and bus answer", database="reader", bus="DescribeEventBus"),
    Function("describe_api", "the OpenAPI document; 404, and 405 with the methods of the path", in_vpc=False),
    Function(
        "apply_schema",
        "brings MongoDB to the registry; refuses credentials that could change a record",
        database="every",
        timeout=900,  # an index of a large collection takes minutes
        parameters=("RetentionDays", "ToolCallBodyDays", "ExchangeBodyDays"),
        trigger="CloudFormation",
    ),
)
