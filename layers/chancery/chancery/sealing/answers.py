"""What the routes of proofs answer with."""

from pydantic import Field

from chancery.core.web.answers import AnswerModel, Count


class InclusionProofAnswer(AnswerModel):
    """That a leaf is in the tree of a checkpoint; leaf and hashes in base64."""

    index: Count
    size: Count
    leaf: str
    path: list[str]
    checkpoint: str


class ConsistencyProof(AnswerModel):
    """That the tree of size `from` is the beginning of the tree of size `to`; hashes in base64."""

    from_: Count = Field(alias="from")
    to: Count
    path: list[str]
    checkpoint: str | None
