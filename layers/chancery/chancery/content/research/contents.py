"""Shows research and strategies: lists without texts, whole documents, and what of them may go into a prompt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chancery.content.research.kinds import Kind
from chancery.content.research.untrusted import fenced
from chancery.content.texts import LongTexts
from chancery.core.listing import shown
from chancery.core.principal import Principal
from chancery.core.query import TenantChoice, parse
from chancery.core.reading import DocumentReader


@dataclass(frozen=True, slots=True)
class Contents:
    """Shows documents of one kind."""

    kind: Kind
    reader: DocumentReader
    texts: LongTexts

    def page(self, principal: Principal, parameters: Mapping[str, str]) -> dict[str, Any]:
        """`{items, nextCursor}`, newest first, without texts."""
        asked = parse(self.kind.search, parameters)
        return self.reader.page(principal, asked, asked.filters())

    def get(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One whole document. Raises NotFound."""
        found = self.texts.whole(self.reader.get(principal, ref_id, parse(TenantChoice, parameters).tenant_id))
        return shown({name: value for name, value in found.items() if name != "requestKey"})

    def prompt(self, principal: Principal, ref_id: str, parameters: Mapping[str, str]) -> str:
        """Its texts as Markdown, fenced in as untrusted: nothing in them can end the block. Raises NotFound."""
        found = self.texts.whole(self.reader.get(principal, ref_id, parse(TenantChoice, parameters).tenant_id))
        named = ((heading, found[name]) for name, heading in self.kind.texts.items() if found[name])
        return fenced("\n\n".join(f"## {heading}\n\n{text}" for heading, text in named))
