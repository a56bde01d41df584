// What the programs of this folder have in common. Most get HOST:PORT, and each prints the number of its checks.
"use strict";

const assert = require("node:assert/strict");

const host = process.argv[2];
// A second argument "tls" says that the gateway speaks TLS.
const tls = process.argv[3] === "tls" ? "s" : "";
const url = `http${tls}://${host}/graphql`;
const socketUrl = `ws${tls}://${host}/graphql`;
let checks = 0;

function check(actual, expected, message) {
  assert.deepEqual(actual, expected, message);
  checks += 1;
}

let position = "0";

// Reads what was written before: a front end needs no more than this function.
async function readingWrites(target, options) {
  const headers = new Headers(options.headers);
  headers.set("X-Min-Position", position);
  const response = await fetch(target, { ...options, headers });
  position = response.headers.get("x-min-position") ?? position;
  return response;
}

// A fetch that records what is sent and received.
function recording() {
  const calls = [];
  const recorded = async (target, options) => {
    const response = await readingWrites(target, options);
    const { searchParams } = new URL(target);
    const parameter = (name) => JSON.parse(searchParams.get(name) ?? "null") ?? undefined;
    const sent = options.body
      ? JSON.parse(options.body)
      : { query: searchParams.get("query") ?? undefined, extensions: parameter("extensions") };
    calls.push({
      method: options.method ?? "GET",
      query: sent.query,
      hash: sent.extensions?.persistedQuery?.sha256Hash,
      status: response.status,
      type: response.headers.get("content-type").split(";")[0],
      position: response.headers.get("x-min-position"),
    });
    return response;
  };
  // The calls since the last time.
  return { fetch: recorded, take: () => calls.splice(0) };
}

async function run(query, variables) {
  const response = await readingWrites(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function create(name, categoryId) {
  const query = "mutation($input: CreateProductInput!) { createProduct(input: $input) { id } }";
  const input = { name, price: 1.5, stockQuantity: 3, categoryId };
  return (await run(query, { input })).createProduct.id;
}

async function createCategory(name) {
  const query = "mutation($name: String!) { createCategory(input: { name: $name }) { id } }";
  return (await run(query, { name })).createCategory.id;
}

// Waits for something that becomes true.
async function until(what, condition) {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `${what} did not happen in time`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function main(...parts) {
  parts
    .reduce((done, part) => done.then(part), Promise.resolve())
    .then(() => console.log(`${checks} checks`))
    .catch((error) => {
      console.error(error);
      process.exitCode = 1;
    })
    // Caches and pools of the clients keep the process alive.
    .finally(() => process.exit());
}

module.exports = {
  assert,
  check,
  create,
  createCategory,
  host,
  main,
  readingWrites,
  recording,
  run,
  socketUrl,
  until,
  url,
};
