"""Placeholders in Typst source, and names that a template must not use."""

import pytest

from chancery.contracts.placeholders import TemplateProblem
from chancery.contracts.typst_source import bindings, translated


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("To {{tenantName}}.", "To #tenantName;."),
        ("{{ plan }}x", "#plan;x"),
        ("= {{plan}}\n- {{plan}}", "= #plan;\n- #plan;"),
        ("#strong[{{plan}}]", "#strong[#plan;]"),
        ("#table(columns: 2, [{{plan}}], [b])", "#table(columns: 2, [#plan;], [b])"),
        ("#align(center)[a [{{plan}}] b] {{plan}}", "#align(center)[a [#plan;] b] #plan;"),
        ("#if true [{{plan}}] else [no] {{plan}}", "#if true [#plan;] else [no] #plan;"),
        ("#if true [yes] {{plan}}", "#if true [yes] #plan;"),
        ("#for x in (1, 2) { [{{plan}}] }\n{{plan}}", "#for x in (1, 2) { [#plan;] }\n#plan;"),
        ("#let a = [{{plan}}]; {{plan}}", "#let a = [#plan;]; #plan;"),
        ("#let a = [\n{{plan}}\n]\n{{plan}}", "#let a = [\n#plan;\n]\n#plan;"),
        ("#a.b.c(1)[x].d {{plan}}", "#a.b.c(1)[x].d #plan;"),
        ("#a. {{plan}}", "#a. #plan;"),
        ("$x = {{plan}}$ {{plan}}", "$x = #plan;$ #plan;"),
        ("https://{{tenantWebsite}} // {{plan}}", "https://#tenantWebsite; // {{plan}}"),
        ("/* {{plan}} /* x */ {{plan}} */ {{plan}}", "/* {{plan}} /* x */ {{plan}} */ #plan;"),
        ("`raw` ```x``` `` {{plan}}", "`raw` ```x``` `` #plan;"),
        ("\\#x {{plan}} \\$ {{plan}}", "\\#x #plan; \\$ #plan;"),
        ('"{{plan}}" he said', '"#plan;" he said'),
    ],
)
def test_in_markup_a_placeholder_becomes_the_variable(source, expected):
    assert translated(source)[0].replace("_0", "") == expected


@pytest.mark.parametrize(
    "source",
    [
        "#{{plan}} x",
        "#upper({{plan}})",
        "#let a = {{plan}}\nx",
        "#set document(title: {{plan}})\n",
        "#f(a, (b: {{plan}}), [x])",
        "#{ let x = {{plan}}; x }",
        "#if {{plan}} == none [x]",
    ],
)
def test_in_code_a_placeholder_is_typst_already(source):
    done, found = translated(source)

    assert (done, found) == (source.replace("{{plan}}", "{{plan_0}}"), ["plan"])


def test_the_name_in_place_of_a_placeholder_is_one_that_the_template_does_not_have():
    assert translated("{{plan}} plan_0 x_1")[0] == "#plan_2; plan_0 x_1"
    assert "#let plan_2 = plan;" in bindings("{{plan}} plan_0 x_1")


def test_placeholders_in_comments_do_not_count():
    assert translated("// {{plan}}\n/* {{tenantName}} */ {{tenantSlug}}")[1] == ["tenantSlug"]


def test_unknown_placeholders_of_any_form_are_found():
    assert translated("{{tenant Name}} {{x-y}} {{}}")[1] == ["tenant Name", "x-y", ""]


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ('#let a = "To {{plan}}"', "line 1: has a placeholder in a string"),
        ('#f("x\\" {{plan}}")', "has a placeholder in a string"),
        ("a\n\n`{{plan}}`", "line 3: has a placeholder in raw text"),
        ("#eval(x)", "line 1: names `eval`"),
        ("#let f = plugin", "names `plugin`"),
        ("the plugin", "in prose write plug-in"),
        ("a\n#dictionary(std)", "line 2: names `std`"),
        ("#" + "(" * 500, "nested deeper"),
    ],
)
def test_forbidden_code_is_refused_with_its_line(source, detail):
    with pytest.raises(TemplateProblem) as refused:
        translated(source)

    assert detail in refused.value.detail


@pytest.mark.parametrize("source", ["evaluate plugins standard", "#let my-plugin = 1", "#x.eval-all"])
def test_other_names_that_only_resemble_them_are_free(source):
    assert translated(source)[0] == source


@pytest.mark.parametrize("source", ["#", "#(", "[", "]", "$", '#"', "`", "/*", "\\", "#let", "{{", "#a.", "#f(["])
def test_source_that_ends_early_is_read_to_its_end(source):
    assert translated(source) == (source, [])
