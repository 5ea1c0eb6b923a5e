"""The routes of contracts."""

from chancery.contracts.answers import CONTRACT_PAGE, ContractTemplateItem, ContractTemplateVersions, ContractVerdict
from chancery.contracts.issuing import ContractIssuer
from chancery.contracts.models import (
    Contract,
    ContractRequest,
    ContractSearch,
    ContractTemplate,
    TemplatePublication,
    TemplateSearch,
    VerificationRequest,
)
from chancery.contracts.reading import ContractReader
from chancery.contracts.templates import TemplatePublisher, TemplateReader
from chancery.core.identity.roles import ADMINS, ISSUERS, READERS
from chancery.core.web.answers import PageOf
from chancery.core.web.routes import Route, group, validated_body
from chancery.core.web.validation import TenantChoice

PUBLICATION = group(
    "issue_contracts",
    Route(
        "POST",
        "/v1/contract-templates",
        "Publish a version of a contract template",
        TemplatePublisher.publish,
        ADMINS,
        body=validated_body(TemplatePublication, stored=True),
        answers={200: ContractTemplate, 201: ContractTemplate},
    ),
)

ISSUE = group(
    "issue_contracts",
    Route(
        "POST",
        "/v1/contracts",
        "Issue a contract: a sealed PDF/A of a tenant's values",
        ContractIssuer.issue,
        ISSUERS,
        body=validated_body(ContractRequest, stored=True),
        answers={201: Contract},
    ),
)

TEMPLATES = group(
    "read_contracts",
    Route(
        "GET",
        "/v1/contract-templates",
        "Versions of contract templates",
        TemplateReader.search,
        READERS,
        query=TemplateSearch,
        answers={200: PageOf(ContractTemplateItem)},
    ),
    Route(
        "GET",
        "/v1/contract-templates/{name}",
        "The versions of one template, the newest first",
        TemplateReader.versions,
        READERS,
        answers={200: ContractTemplateVersions},
    ),
    Route(
        "GET",
        "/v1/contract-templates/{name}/{version}",
        "One version, with its source",
        TemplateReader.get,
        READERS,
        answers={200: ContractTemplate},
    ),
)

CONTRACTS = group(
    "read_contracts",
    Route(
        "GET",
        "/v1/contracts",
        "Contracts",
        ContractReader.search,
        READERS,
        query=ContractSearch,
        answers={200: CONTRACT_PAGE},
    ),
    Route(
        "GET",
        "/v1/contracts/{refId}",
        "One contract",
        ContractReader.get,
        READERS,
        query=TenantChoice,
        answers={200: Contract},
    ),
    Route(
        "GET",
        "/v1/contracts/{refId}/pdf",
        "Its PDF, by a link of fifteen minutes",
        ContractReader.pdf,
        READERS,
        query=TenantChoice,
        answers={303: ()},
    ),
    Route(
        "POST",
        "/v1/contracts/verify",
        "The contract whose PDF has a SHA-256, with the proof that its issue is sealed",
        ContractReader.verify,
        READERS,
        body=validated_body(VerificationRequest),
        answers={200: ContractVerdict},
    ),
)
