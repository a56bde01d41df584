// Whether a gateway accepts and rejects the documents that npm's graphql does, by the specification's rules.
//
//   node validation.cjs HOST:PORT
"use strict";

const assert = require("node:assert/strict");
const { buildSchema, parse, specifiedRules, validate } = require("graphql");
const documents = require("./documents.cjs");

const host = process.argv[2];
const INVALID = ["GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"];
// It limits introspection; the gateway has a limit of its own.
const NOT_IN_SPECIFICATION = ["MaxIntrospectionDepthRule"];

function judge(schema, document) {
  try {
    return validate(schema, parse(document))[0]?.message;
  } catch (error) {
    return error.message;
  }
}

// The reason why the gateway rejects a document, or nothing.
async function ask(document) {
  const operationName = /\b(query|mutation|subscription) A\b/.test(document) ? "A" : undefined;
  const response = await fetch(`http://${host}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      // Subscriptions are executed only as event streams.
      accept: "application/graphql-response+json, text/event-stream",
    },
    body: JSON.stringify({ query: document, operationName }),
  });
  if (response.headers.get("content-type").startsWith("text/event-stream")) {
    await response.body.cancel();
    return undefined;
  }
  const { errors } = await response.json();
  return errors?.find(({ extensions }) => INVALID.includes(extensions.code));
}

async function main() {
  const sdl = await fetch(`http://${host}/schema.graphql`);
  const schema = buildSchema(await sdl.text());
  const rules = specifiedRules.map(({ name }) => name).filter((name) => !NOT_IN_SPECIFICATION.includes(name));
  assert.deepEqual(rules.filter((name) => !documents[name.replace(/Rule$/, "")]), [], "each rule has documents");
  const different = [];
  let checks = 0;
  for (const [rule, list] of Object.entries(documents)) {
    for (const document of list) {
      const expected = judge(schema, document);
      assert.equal(expected === undefined, rule === "valid", `${rule}: ${document}`);
      const error = await ask(document);
      if ((error === undefined) !== (expected === undefined)) {
        different.push(`${rule}: ${document}\n  graphql: ${expected}\n  gateway: ${error?.message}`);
      }
      checks += 1;
    }
  }
  assert.equal(different.length, 0, different.join("\n"));
  console.log(`${checks} checks`);
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
