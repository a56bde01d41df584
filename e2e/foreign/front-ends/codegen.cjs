// @graphql-codegen/cli with the client preset, unchanged, against a running gateway; then the compiler of TypeScript.
//
//   node codegen.cjs HOST:PORT FOLDER
//
// Generates into the folder, which also gets the manifest of persisted documents.
"use strict";

const { execFileSync } = require("node:child_process");
const { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { generate } = require("@graphql-codegen/cli");
const { addTypenameSelectionDocumentTransform } = require("@graphql-codegen/client-preset");
const { check, host, main, url } = require("../support.cjs");

const folder = process.argv[3];
const GENERATED = ["fragment-masking.ts", "gql.ts", "graphql.ts", "index.ts", "persisted-documents.json"];

// Generates from a schema, and returns the texts of the files.
async function generated(schema, name) {
  const project = join(folder, name);
  mkdirSync(project);
  copyFileSync(join(__dirname, "operations.ts"), join(project, "operations.ts"));
  const output = {
    preset: "client",
    presetConfig: { persistedDocuments: true, fragmentMasking: false },
    documentTransforms: [addTypenameSelectionDocumentTransform],
    config: { scalars: { DateTime: "string", Decimal: "number" }, enumsAsTypes: true, useTypeImports: true },
  };
  await generate({
    cwd: project,
    schema,
    documents: ["operations.ts"],
    generates: { "gql/": output },
    silent: true,
  });
  return GENERATED.filter((file) => file !== "fragment-masking.ts").map((file) =>
    readFileSync(join(project, "gql", file), "utf8"),
  );
}

async function types() {
  // As a project that has installed the packages.
  symlinkSync(process.env.NODE_PATH, join(folder, "node_modules"));
  const sdl = join(folder, "schema.graphql");
  writeFileSync(sdl, await (await fetch(`http://${host}/schema.graphql`)).text());
  const fromSdl = await generated(sdl, "from-sdl");
  const fromGateway = await generated(url, "from-gateway");
  check(fromGateway, fromSdl, "introspection and the SDL say the same");
  const [, schema, , manifest] = fromGateway;
  for (const type of ["CreateProductInput", "OrderStatus", "ProductPartsFragment", "CreatedSubscription"]) {
    check(schema.includes(`export type ${type} =`), true, type);
  }
  check(Object.keys(JSON.parse(manifest)).length, 4, "one document each, fragments included");
}

async function compiles() {
  const project = join(folder, "from-gateway");
  const output = ["--target", "es2022", "--lib", "es2022", "--module", "node16", "--outDir", join(folder, "compiled")];
  const options = ["--strict", "--skipLibCheck", ...output];
  const compiler = require.resolve("typescript/bin/tsc");
  try {
    execFileSync(process.execPath, [compiler, ...options, "operations.ts"], { cwd: project, encoding: "utf8" });
  } catch (error) {
    throw new Error(`tsc failed:\n${error.stdout}`);
  }
  const documents = require(join(folder, "compiled", "operations.js"));
  check(documents.Products.__meta__.hash.length, 40, "a document names its hash");
}

main(types, compiles);
