/* build.js -- bundles the pages and writes what carries them in the binary: `node web/build.js OUT`.
 *
 * Each folder here is a page, served below its name: NAME/index.html and drawings (.svg) are copied, NAME/main.js and
 * NAME/main.css are bundled with what they import, one file each. OUT/pages.S holds their bytes, OUT/pages.h a row for each: path, type, ETag.
 * SPDX-License-Identifier: Apache-2.0 */
import {createHash} from "node:crypto";
import {copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from "node:fs";
import {dirname, extname, join, resolve} from "node:path";
import {fileURLToPath} from "node:url";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};
const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? "");
if (process.argv.length !== 3) throw new Error("say where to: node web/build.js OUT");
if (!existsSync(join(here, "node_modules", "esbuild"))) {
  console.error("web/node_modules is missing: ./dev build installs it, or npm ci in web/");
  process.exit(1);
}
const {build} = await import("esbuild");

async function bundle(name) {
  const to = join(out, name);
  mkdirSync(to, {recursive: true});
  for (const file of readdirSync(join(here, name)).filter((file) => file === "index.html" || extname(file) === ".svg"))
    copyFileSync(join(here, name, file), join(to, file));
  await build({
    entryPoints: [join(here, name, "main.js"), join(here, name, "main.css")],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    legalComments: "inline",
    outdir: to,
    logLevel: "warning",
  });
  return readdirSync(to).sort().map((file) => ({path: `/${name}/${file}`, file: join(to, file)}));
}

const pages = readdirSync(here, {withFileTypes: true}).filter((entry) => existsSync(join(here, entry.name, "index.html")));
const files = (await Promise.all(pages.map((page) => bundle(page.name)))).flat();
let bytes = "    .section .rodata\n", rows = "";
files.forEach(({path, file}, i) => {
  const type = TYPES[extname(file)];
  if (!type) throw new Error(`${file}: of which type is that?`);
  const etag = createHash("sha256").update(readFileSync(file)).digest("hex").slice(0, 32);
  bytes += `    .global page_${i}, page_${i}_end\npage_${i}:\n    .incbin "${file}"\npage_${i}_end:\n`;
  rows += `PAGE(${i}, "${path}", "${type}", "\\"${etag}\\"")\n`;
});
writeFileSync(join(out, "pages.S"), bytes + '    .section .note.GNU-stack,"",%progbits\n');
writeFileSync(join(out, "pages.h"), rows);
