// node build.mjs OUT: bundles src/ into OUT, with hashed names, hashes of integrity, compressed copies and files.json,
// the list of what may be served.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL(".", import.meta.url));
const out = process.argv[2] ?? join(root, "dist");

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { main: "src/main.tsx" },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome120", "firefox128", "safari17"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});

const outputs = Object.fromEntries(
  Object.entries(metafile.outputs).map(([path, output]) => [relative(out, join(root, path)), output]),
);
const named = (path) => relative(out, join(root, path));
const [entry, main] = Object.entries(outputs).find(([, output]) => output.entryPoint === "src/main.tsx");
const first = [...staticImports(entry)];
const integrity = (path) =>
  `sha384-${createHash("sha384")
    .update(readFileSync(join(out, path)))
    .digest("base64")}`;

const head = [
  `<link rel="stylesheet" href="${named(main.cssBundle)}" integrity="${integrity(named(main.cssBundle))}">`,
  ...first.map((path) => `<link rel="modulepreload" href="${path}" integrity="${integrity(path)}">`),
  `<script type="module" src="${entry}" integrity="${integrity(entry)}"></script>`,
];
const html = readFileSync(join(root, "src/index.html"), "utf8").replace("<!-- built -->", head.join("\n    "));
writeFileSync(join(out, "index.html"), html);

const files = readdirSync(out, { recursive: true, withFileTypes: true })
  .filter((file) => file.isFile())
  .map((file) => relative(out, join(file.parentPath, file.name)))
  .sort();
for (const file of files) writeFileSync(join(out, `${file}.gz`), gzipSync(readFileSync(join(out, file)), { level: 9 }));
writeFileSync(join(out, "files.json"), JSON.stringify(files));

// What the browser loads before it can show the page, in bytes as they are sent.
const sizes = ["index.html", named(main.cssBundle), entry, ...first].map((path) => [
  path,
  readFileSync(join(out, `${path}.gz`)).length,
]);
writeFileSync(join(out, "first-page.json"), JSON.stringify(Object.fromEntries(sizes)));

function* staticImports(path, seen = new Set()) {
  for (const imported of outputs[path].imports) {
    const name = named(imported.path);
    if (imported.kind !== "import-statement" || imported.external || seen.has(name)) continue;
    seen.add(name);
    yield name;
    yield* staticImports(name, seen);
  }
}
