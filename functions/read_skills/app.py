"""The reads of skills: lists and search, one with its content, its versions, and the skills of an agent's role."""

from chancery.content.skills.routes import AGENTS, READS
from chancery.core.web.responses import serve
from chancery.wiring import skills
from chancery.wiring.callers import TENANTS

handler = serve((READS, skills.reader), (AGENTS, skills.agents), tenants=TENANTS)
