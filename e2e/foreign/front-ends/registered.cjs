// What codegen.cjs generated, against a gateway that executes nothing else (GRAPHQL_OPERATIONS).
//
//   node registered.cjs HOST:PORT FOLDER
"use strict";

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { ApolloClient, HttpLink, InMemoryCache } = require("@apollo/client");
const { createPersistedQueryLink } = require("@apollo/client/link/persisted-queries");
const { Client, fetchExchange } = require("@urql/core");
const { persistedExchange } = require("@urql/exchange-persisted");
const { createClient: createStreamClient } = require("graphql-sse");
const { createClient: createSocketClient } = require("graphql-ws");
const WebSocket = require("ws");
const { check, host, main, recording, url } = require("../support.cjs");

const folder = process.argv[3];
const { Create, Created, Products } = require(join(folder, "compiled", "operations.js"));
const manifest = JSON.parse(readFileSync(join(folder, "from-gateway", "gql", "persisted-documents.json"), "utf8"));
const OTHER = "{ productStatistics { totalCount } }";
const REFUSED = "PERSISTED_QUERY_NOT_IN_LIST";

const hashOf = (document) => document.__meta__.hash;
const byHash = (hash) => ({ persistedQuery: { version: 1, sha256Hash: hash } });

async function post(body) {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const { data, errors } = await response.json();
  return errors ? errors[0].extensions.code : data;
}

async function apollo() {
  const sent = recording();
  const link = createPersistedQueryLink({ generateHash: hashOf });
  const client = new ApolloClient({
    link: link.concat(new HttpLink({ uri: url, fetch: sent.fetch })),
    cache: new InMemoryCache(),
  });
  const input = { name: "By Apollo", price: 19.9 };
  const created = await client.mutate({ mutation: Create, variables: { input } });
  check(created.data.createProduct.name, "By Apollo");
  const { data } = await client.query({ query: Products, variables: { first: 10 } });
  check(data.productsConnection.edges.map(({ node }) => node.price), [19.9]);
  check(sent.take().map(({ query, hash }) => [query, hash]), [[undefined, hashOf(Create)], [undefined, hashOf(Products)]]);
}

async function urql() {
  const sent = recording();
  const persisted = persistedExchange({
    enableForMutation: true,
    enforcePersistedQueries: true,
    generateHash: async (_, document) => hashOf(document),
  });
  const client = new Client({ url, fetch: sent.fetch, preferGetMethod: false, exchanges: [persisted, fetchExchange] });
  const created = await client.mutation(Create, { input: { name: "By urql", price: 2 } });
  check(created.data.createProduct.name, "By urql");
  const { data } = await client.query(Products, { first: 10 });
  check(data.productsConnection.totalCount, 2);
  check(sent.take().map(({ query, method }) => [query, method]), [[undefined, "POST"], [undefined, "GET"]]);
}

async function documents() {
  const hashes = Object.keys(manifest);
  const variables = { first: 1, input: { name: "By hash", price: 3 }, user: "ann" };
  for (const [number, hash] of hashes.entries()) {
    if (manifest[hash].includes("subscription")) continue;
    const answer = await post({ extensions: byHash(hash), variables: { ...variables, input: { name: `N${number}`, price: 1 } } });
    check(typeof answer, "object", `${manifest[hash]}: ${answer}`);
    const same = await post({ query: manifest[hash], variables });
    check(typeof same, "object", "the text of a registered operation is as good as its hash");
  }
  check(await post({ documentId: hashOf(Products), variables }).then(Object.keys), ["__typename", "productsConnection"]);
  check(await post({ query: OTHER }), REFUSED);
  check(await post({ extensions: byHash("0".repeat(64)) }), REFUSED);
  const introspection = "{ __schema { queryType { name } } }";
  check(await post({ query: introspection }), REFUSED);
  const got = await fetch(`${url}?query=${encodeURIComponent(OTHER)}`);
  check((await got.json()).errors[0].extensions.code, REFUSED);
}

// The first result, or the code of the error that came instead.
async function first(client, operation, codeOf) {
  try {
    const results = client.iterate(operation);
    const { value } = await results.next();
    await results.return();
    return value.data;
  } catch (error) {
    return codeOf(error);
  }
}

async function subscriptions(client, codeOf) {
  const extensions = byHash(hashOf(Created));
  const { productCreated } = await first(client, { query: "", extensions, variables: { after: "0" } }, codeOf);
  check(productCreated.name, "By Apollo");
  const text = manifest[hashOf(Created)];
  check(typeof (await first(client, { query: text, variables: { after: "0" } }, codeOf)), "object");
  check(await first(client, { query: "subscription { productDeleted }" }, codeOf), REFUSED);
  check(await first(client, { query: OTHER }, codeOf), REFUSED);
  check(await first(client, { query: "", extensions: byHash("0".repeat(40)) }, codeOf), REFUSED);
}

async function overSockets() {
  const client = createSocketClient({ url: `ws://${host}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 });
  await subscriptions(client, (errors) => errors[0].extensions.code);
  await client.dispose();
}

async function overStreams() {
  const client = createStreamClient({ url, retryAttempts: 0 });
  await subscriptions(client, async ({ response }) => (await response.json()).errors[0].extensions.code);
  client.dispose();
}

main(apollo, urql, documents, overSockets, overStreams);
