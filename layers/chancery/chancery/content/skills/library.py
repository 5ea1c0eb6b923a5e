"""The skills library: a folder of Markdown files with front matter, from which the global skills are seeded.

---
name: Approving content
category: sop
assignedAgentRoles: [blog_writer]
isClientContext: false
---
The content, in Markdown.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml  # type: ignore[import-untyped]

from chancery.content.skills.models import SkillFields
from chancery.core.errors import ChanceryError, ValidationFailed
from chancery.core.web.validation import accepted

FOLDER = "skills-library"
_FENCE = "---"
_FRONT_MATTER = frozenset({"name", "category", "assignedAgentRoles", "isClientContext"})


class LibraryBroken(ChanceryError):
    """A file of the library cannot be a skill; `detail` names every such file and field."""

    title = "Broken skills library"


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file of the library: its path, and the skill that it holds."""

    path: str
    fields: SkillFields


def packaged() -> Traversable:
    """The folder of the library in this package."""
    return files("chancery.content.skills").joinpath(FOLDER)


def read_library(folder: Traversable) -> list[LibraryFile]:
    """Every `*.md` of a folder, by name. Raises LibraryBroken, which names all that is wrong."""
    found, wrong = [], []
    for file in sorted((item for item in folder.iterdir() if item.name.endswith(".md")), key=lambda item: item.name):
        try:
            found.append(LibraryFile(f"{FOLDER}/{file.name}", _fields(file)))
        except ValidationFailed as exc:
            wrong += [f"{file.name}: {error.pointer.lstrip('/')} {error.detail}" for error in exc.errors]
        except (ValueError, yaml.YAMLError) as exc:
            wrong.append(f"{file.name}: {_reason(exc)}")
    wrong += _repeated(found)
    if wrong:
        raise LibraryBroken(f"The skills library is broken. {'; '.join(wrong)}.")
    return found


def _fields(file: Traversable) -> SkillFields:
    front_matter, content = _split(file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    given = yaml.safe_load(front_matter)
    if not isinstance(given, dict):
        raise ValueError("the front matter is no mapping")
    if twice := _standing_twice(front_matter):
        raise ValueError(f"the front matter has {twice} twice")
    if unknown := {str(name) for name in given} - _FRONT_MATTER:
        raise ValueError(f"the front matter has {', '.join(sorted(unknown))}, which is no field of it")
    if missing := _FRONT_MATTER - given.keys():
        raise ValueError(f"the front matter has no {', '.join(sorted(missing))}")
    return accepted(SkillFields, {**given, "content": content})


def _standing_twice(front_matter: str) -> str | None:
    """A field that the front matter has twice, of which YAML would quietly take the last."""
    names = [key.value for key, _ in yaml.compose(front_matter, Loader=yaml.SafeLoader).value]
    return next((name for name in names if names.count(name) > 1), None)


def _split(text: str) -> tuple[str, str]:
    lines = text.split("\n")
    if lines[0] != _FENCE or _FENCE not in lines[1:]:
        raise ValueError(f"does not begin with front matter between two lines of {_FENCE}")
    end = lines.index(_FENCE, 1)
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :]).lstrip("\n")


def _repeated(found: Iterable[LibraryFile]) -> Iterator[str]:
    first: dict[str, str] = {}
    for file in found:
        if (other := first.setdefault(file.fields.name, file.path)) != file.path:
            yield f"{file.path}: name is that of {other} too"


def _reason(exc: Exception) -> str:
    if isinstance(exc, UnicodeDecodeError):
        return "is not UTF-8"
    if isinstance(exc, yaml.MarkedYAMLError) and exc.problem_mark:
        return f"line {exc.problem_mark.line + 2}: {exc.problem}"  # the first line is the fence
    return str(exc)
