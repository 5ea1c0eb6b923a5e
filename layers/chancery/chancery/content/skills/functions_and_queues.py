"""Functions of skills."""

from chancery.core.aws.declarations import Function

FUNCTIONS = (
    Function(
        "manage_skills",
        "creates, changes and deletes skills, each only against the version that was read",
        database="writer",
        bus="PutEvents",
        memory=1024,
    ),
    Function(
        "read_skills",
        "skills, their versions, and the skills of an agent's role",
        database="reader",
        bus="PutEvents",
        memory=1024,
    ),
    Function(
        "seed_skills",
        "brings the global skills to the library in the package; what an admin has changed stays",
        database="writer",
        bus="PutEvents",
        layers=("seeding",),
        timeout=120,
        trigger="CloudFormation",
    ),
)
