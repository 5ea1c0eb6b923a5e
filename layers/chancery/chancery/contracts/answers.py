"""What the routes of contracts answer with."""

from datetime import datetime
from typing import Any

from chancery.contracts.collections import CONTRACT_PDFS
from chancery.contracts.models import Contract, Format, Sha256, TemplateName, Version
from chancery.core.web.answers import ABSENT, AnswerModel, PageOf, RefId, list_item

CONTRACT_PAGE = PageOf(list_item("ContractItem", CONTRACT_PDFS))


class ContractTemplateItem(AnswerModel):
    """A published version of a template, without its source."""

    ref_id: RefId
    name: TemplateName
    version: Version
    title: str
    format: Format
    sha256: Sha256
    created_by: str
    created_on: datetime


class ContractTemplateVersions(AnswerModel):
    """The versions of a template, the newest first."""

    name: TemplateName
    versions: list[ContractTemplateItem]


class ContractVerdict(AnswerModel):
    """The contract whose PDF a file is, the audit record of its issue, and the proof that the record is sealed."""

    known: bool
    contract: Contract = ABSENT
    record: dict[str, Any] | None = None
    proof: str | None = None
    proof_url: str = ABSENT
