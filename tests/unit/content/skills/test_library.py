"""The files of the skills library: strict front matter, and errors that name file and field."""

import tomllib
from pathlib import Path

import pytest

from chancery.content.skills.library import LibraryBroken, packaged, read_library

ROOT = Path(__file__).parents[4]
GOOD = "---\nname: A\ncategory: sop\nassignedAgentRoles: [b_writer, a_writer]\nisClientContext: false\n---\n\n# Text\n"


def read(folder: Path, **files: str | bytes):
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        folder.joinpath(name.replace("_", ".")).write_bytes(data)
    return read_library(folder)


def test_a_file_is_a_skill(tmp_path):
    (file,) = read(tmp_path, a_md=GOOD, readme_txt="not one")

    assert file.path == "skills-library/a.md"
    assert file.fields.stored() == {
        "name": "A",
        "category": "sop",
        "content": "# Text\n",
        "contentBytes": 7,
        "assignedAgentRoles": ["a_writer", "b_writer"],
        "isClientContext": False,
    }


def test_line_ends_and_lines_of_three_hyphens_in_the_text_do_no_harm(tmp_path):
    text = GOOD + "\n---\n\nMore\n---\n"

    (file,) = read(tmp_path, a_md=text.replace("\n", "\r\n"))

    assert file.fields.content == "# Text\n\n---\n\nMore\n---\n"


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path):
    (file,) = read(tmp_path, a_md=b"\xef\xbb\xbf" + GOOD.encode())

    assert (file.fields.name, file.fields.content) == ("A", "# Text\n")


def test_credentials_in_a_file_are_redacted(tmp_path):
    (file,) = read(tmp_path, a_md=GOOD + "AKIAABCDEFGHIJKLMNOP\n")

    assert file.fields.content == "# Text\n[REDACTED]\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (GOOD.replace("category: sop", "category: poem"), "a.md: category must be one of: client_context, brand_voice"),
        (GOOD.replace("name: A", "name: true"), "a.md: name must be text"),
        (GOOD.replace("name: A\n", ""), "a.md: the front matter has no name"),
        (GOOD.replace("isClientContext: false\n", ""), "a.md: the front matter has no isClientContext"),
        (
            GOOD.replace("isClientContext: false", "isClientContext: maybe"),
            "a.md: isClientContext must be true or false",
        ),
        (GOOD.replace("[b_writer, a_writer]", "writer"), "a.md: assignedAgentRoles must be a list"),
        (GOOD.replace("b_writer", "'b writer'"), "a.md: assignedAgentRoles/0 must begin with a letter or digit"),
        (GOOD.replace("name: A", "name: A\nauthor: me"), "a.md: the front matter has author"),
        (GOOD.replace("name: A", "name: A\nname: B"), "a.md: the front matter has name twice"),
        (GOOD.replace("name: A", "name: [A"), "a.md: line 3: "),
        (GOOD.replace("name: A", "name: !!python/object:os.system A"), "a.md: line 2: could not determine"),
        (GOOD.replace("# Text", ""), "a.md: content has no text"),
        ("---\n- name\n---\ntext", "a.md: the front matter is no mapping"),
        ("---\n---\ntext", "a.md: the front matter is no mapping"),
        ("# Text", "a.md: does not begin with front matter"),
        ("---\nname: A\n", "a.md: does not begin with front matter"),
        ("", "a.md: does not begin with front matter"),
        (b"---\nname: \xff\n---\n", "a.md: is not UTF-8"),
    ],
)
def test_an_error_names_the_file_and_the_field(tmp_path, content, message):
    with pytest.raises(LibraryBroken) as broken:
        read(tmp_path, a_md=content, b_md=GOOD)

    assert message in broken.value.detail
    assert "b.md" not in broken.value.detail


def test_all_errors_are_reported_at_once(tmp_path):
    with pytest.raises(LibraryBroken) as broken:
        read(tmp_path, a_md=GOOD, b_md="", c_md=GOOD.replace("sop", "poem"), d_md=GOOD)

    assert [name for name in ("a.md", "b.md", "c.md", "d.md") if name in broken.value.detail] == [
        "a.md",  # d.md has its name
        "b.md",
        "c.md",
        "d.md",
    ]


def test_our_own_library_holds_and_is_packaged():
    files = read_library(packaged())

    assert len(files) >= 8
    assert {file.fields.category for file in files} == {
        "client_context",
        "brand_voice",
        "sop",
        "platform_guide",
        "template",
    }
    assert [file.fields.name for file in files if file.fields.is_client_context] == ["Client context"]
    assert all(file.fields.assigned_agent_roles or file.fields.is_client_context for file in files)
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["chancery"]
    assert "**/skills-library/*.md" in data
