"""`make generate`: writes every generated file and block that differs, and names it."""

from tools.generate.outputs import ROOT, outputs

for path, text in outputs().items():
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
        print(path.relative_to(ROOT))  # noqa: T201
