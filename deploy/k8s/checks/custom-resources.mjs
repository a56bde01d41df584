// Checks custom resources, a JSON list on standard input, against the definitions of their kinds, and prints each problem as
// a line. The argument is the folder of the installed packages.
//
// The packages' schemas accept unknown fields, which the API server would drop; their types do not, so both are applied.

import { readFileSync, writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const modules = process.argv[2];
const typescript = createRequire(join(modules, "_"))("typescript");

const modulesOf = {
  "argoproj.io/v1alpha1": "@kubernetes-models/argo-cd",
  "monitoring.coreos.com/v1": "@kubernetes-models/prometheus-operator",
};

function place({ apiVersion, kind }) {
  const package_ = modulesOf[apiVersion];
  if (!package_) throw new Error(`no package is known for ${apiVersion}`);
  return `${package_}/${apiVersion}/${kind}`;
}

async function bySchema(resource) {
  const path = pathToFileURL(join(modules, `${place(resource)}.js`)).href;
  const Model = (await import(path))[resource.kind];
  try {
    new Model(resource).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

function byType(resources) {
  const folder = mkdtempSync(join(tmpdir(), "custom-resources-"));
  const files = resources.map((resource, number) => {
    const file = join(folder, `${number}.ts`);
    const { kind } = resource;
    const text = `import type { I${kind} } from "${place(resource)}";\nexport const it: I${kind} = ${JSON.stringify(resource)};\n`;
    writeFileSync(file, text);
    return file;
  });
  const program = typescript.createProgram(files, {
    baseUrl: modules,
    paths: { "@kubernetes-models/*": ["@kubernetes-models/*"] },
    module: typescript.ModuleKind.ESNext,
    moduleResolution: typescript.ModuleResolutionKind.Bundler,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    types: [],
  });
  const problems = typescript.getPreEmitDiagnostics(program);
  rmSync(folder, { recursive: true });
  return problems.map(({ messageText }) => typescript.flattenDiagnosticMessageText(messageText, " "));
}

const resources = JSON.parse(readFileSync(0, "utf8"));
const bySchemas = await Promise.all(resources.map(bySchema));
const problems = [...bySchemas.flat(), ...byType(resources)];
for (const problem of problems) console.log(problem);
