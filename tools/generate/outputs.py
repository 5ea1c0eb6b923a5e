"""Every generated file, and every file with generated blocks."""

from pathlib import Path

from chancery.wiring.registry import FUNCTIONS, QUEUES
from chancery.wiring.routes import PAGES, ROUTES
from tests.attack.classes import table as attack_table
from tools.generate.api import FALLBACK, api_block
from tools.generate.bus_policy import bus_policy_block
from tools.generate.cli_reference import reference
from tools.generate.dashboard import dashboard_block
from tools.generate.dictionary import data_dictionary
from tools.generate.event_fields import event_fields
from tools.generate.function_blocks import functions_block
from tools.generate.marks import fill_markdown, fill_yaml
from tools.generate.ocsf import ocsf_table
from tools.generate.permissions import permissions
from tools.generate.queue_blocks import alarms_block, outputs_block, queues_block
from tools.generate.readme import functions_table

ROOT = Path(__file__).parents[2]
EVENT_FIELDS = ROOT / "layers/chancery/chancery/audit/data/event_fields.json"


def outputs() -> dict[Path, str]:
    """Path → the text that it must have."""
    template, readme, docs = ROOT / "template.yaml", ROOT / "README.md", ROOT / "docs"
    return {
        template: template_text(template.read_text()),
        readme: fill_markdown(readme.read_text(), "functions", functions_table(FUNCTIONS, (*ROUTES, *PAGES))),
        docs / "security.md": fill_markdown((docs / "security.md").read_text(), "attacks", attack_table()),
        docs / "destinations.md": fill_markdown((docs / "destinations.md").read_text(), "ocsf", ocsf_table()),
        docs / "data-dictionary.md": data_dictionary(),
        docs / "permissions.md": permissions(ROUTES),
        docs / "cli.md": reference(),
        EVENT_FIELDS: event_fields(),
    }


def template_text(text: str) -> str:
    """The template with its generated blocks."""
    by_name = {queue.name: queue for queue in QUEUES}
    of_the_api = frozenset({FALLBACK, *(route.function for route in (*ROUTES, *PAGES))})
    blocks = {
        "bus policy": bus_policy_block(FUNCTIONS),
        "queues": queues_block(QUEUES, FUNCTIONS),
        "functions": functions_block(FUNCTIONS, by_name, of_the_api),
        "routes": api_block((*ROUTES, *PAGES)),
        "alarms of queues": alarms_block(QUEUES),
        "dashboard": dashboard_block(QUEUES, FUNCTIONS),
        "outputs of queues": outputs_block(QUEUES),
    }
    for name, block in blocks.items():
        text = fill_yaml(text, name, block)
    return text
