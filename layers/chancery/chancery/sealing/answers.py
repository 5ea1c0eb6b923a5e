"""What the routes of proofs answer with."""

from pydantic import Field

from chancery.core.web.answers import AnswerModel


class InclusionProofAnswer(AnswerModel):
    """That a leaf is in the tree of a checkpoint; leaf and hashes in base64."""

    index: int = Field(ge=0)
    size: int = Field(ge=0)
    leaf: str
    path: list[str]
    checkpoint: str


class ConsistencyProof(AnswerModel):
    """That the tree of size `from` is the beginning of the tree of size `to`; hashes in base64."""

    from_: int = Field(alias="from", ge=0)
    to: int = Field(ge=0)
    path: list[str]
    checkpoint: str | None
