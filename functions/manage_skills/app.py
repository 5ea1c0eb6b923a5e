"""POST, PUT and DELETE of /v1/skills: skills are created, changed and deleted, against the version that was read."""

from chancery.content.skills.routes import EDITS
from chancery.core.web.responses import serve
from chancery.wiring import skills
from chancery.wiring.callers import TENANTS

handler = serve((EDITS, skills.editor), tenants=TENANTS)
