"""The routes of contracts."""

from chancery.contracts.queries import (
    ContractRequest,
    ContractSearch,
    TemplatePublication,
    TemplateSearch,
    VerificationRequest,
)
from chancery.core.web.legacy_routes import Route
from chancery.core.web.validation import TenantChoice

ROUTES = (
    Route(
        "POST",
        "/v1/contract-templates",
        "issue_contracts",
        "Publish a version of a contract template",
        {200: "ContractTemplate", 201: "ContractTemplate"},
        body=TemplatePublication,
    ),
    Route(
        "GET",
        "/v1/contract-templates",
        "read_contracts",
        "Versions of contract templates",
        {200: "ContractTemplatePage"},
        query=TemplateSearch,
    ),
    Route(
        "GET",
        "/v1/contract-templates/{name}",
        "read_contracts",
        "The versions of one template, the newest first",
        {200: "ContractTemplateVersions"},
    ),
    Route(
        "GET",
        "/v1/contract-templates/{name}/{version}",
        "read_contracts",
        "One version, with its source",
        {200: "ContractTemplate"},
    ),
    Route(
        "POST",
        "/v1/contracts",
        "issue_contracts",
        "Issue a contract: a sealed PDF/A of a tenant's values",
        {201: "Contract"},
        body=ContractRequest,
    ),
    Route("GET", "/v1/contracts", "read_contracts", "Contracts", {200: "ContractPage"}, query=ContractSearch),
    Route("GET", "/v1/contracts/{refId}", "read_contracts", "One contract", {200: "Contract"}, query=TenantChoice),
    Route(
        "GET",
        "/v1/contracts/{refId}/pdf",
        "read_contracts",
        "Its PDF, by a link of fifteen minutes",
        {303: "Redirect"},
        query=TenantChoice,
    ),
    Route(
        "POST",
        "/v1/contracts/verify",
        "read_contracts",
        "What the file with a SHA-256 is, with the proof that its issue is sealed",
        {200: "ContractVerdict"},
        body=VerificationRequest,
    ),
)
