"""What the routes of activity outputs answer with."""

from chancery.content.outputs.collections import ACTIVITY_OUTPUTS
from chancery.core.web.answers import PageOf, document_without, list_item, listed

OUTPUT = document_without("Output", ACTIVITY_OUTPUTS, "bodies", "requestKey", "decisionKey")
OUTPUT_HEAD = listed("OutputHead", ACTIVITY_OUTPUTS)
OUTPUT_PAGE = PageOf(list_item("OutputItem", ACTIVITY_OUTPUTS))
