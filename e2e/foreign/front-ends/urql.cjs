// @urql/core, unchanged, against a running gateway.
//
//   node urql.cjs HOST:PORT
"use strict";

const { Client, cacheExchange, fetchExchange, gql, subscriptionExchange } = require("@urql/core");
const { persistedExchange } = require("@urql/exchange-persisted");
const { createClient: createStreamClient } = require("graphql-sse");
const { createClient: createSocketClient } = require("graphql-ws");
const WebSocket = require("ws");
const { check, create, createCategory, host, main, recording, until, url } = require("../support.cjs");

const PRODUCT = gql`
  query Product($id: ID!) {
    product(id: $id) {
      id
      name
      category {
        name
      }
    }
  }
`;
const CREATE = gql`
  mutation Create($input: CreateProductInput!) {
    createProduct(input: $input) {
      id
      name
    }
  }
`;
const CREATED = gql`
  subscription Created($after: String) {
    productCreated(after: $after) {
      id
      name
    }
  }
`;

function client(sent, exchanges, options = {}) {
  return new Client({ url, fetch: sent.fetch, preferGetMethod: false, exchanges, ...options });
}

async function operations() {
  const sent = recording();
  const urql = client(sent, [cacheExchange, fetchExchange]);
  const input = { name: "Urql", price: 12.5, categoryId: await createCategory("Of urql") };
  const keyed = { fetchOptions: { headers: { "Idempotency-Key": "urql-1" } } };
  const created = await urql.mutation(CREATE, { input }, keyed);
  check(created.data.createProduct.name, "Urql");
  const again = await urql.mutation(CREATE, { input }, keyed);
  check(again.data, created.data, "the same key gives the same answer");
  const reused = await urql.mutation(CREATE, { input: { ...input, price: 2 } }, keyed);
  check(reused.error.graphQLErrors[0].extensions.code, "IDEMPOTENCY_KEY_REUSED");
  const { id } = created.data.createProduct;
  sent.take();
  const read = await urql.query(PRODUCT, { id });
  check(read.data.product.category.name, "Of urql");
  const [call] = sent.take();
  // It accepts event streams too, for every operation.
  check([call.method, call.status, call.type], ["POST", 200, "application/graphql-response+json"]);
  check(BigInt(call.position) > 0n, true, "the position is a header too");
  await urql.query(PRODUCT, { id });
  check(sent.take(), [], "the second one is answered by the cache");

  const missing = await urql.query(PRODUCT, { id: "none" });
  check([missing.error.graphQLErrors[0].extensions.code, missing.data], ["NOT_FOUND", { product: null }]);
  const invalid = await urql.query(gql`{ nothing }`, {});
  check(invalid.error.graphQLErrors[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  const rejected = await urql.mutation(CREATE, { input: { name: " ", price: 1 } });
  check(rejected.error.graphQLErrors[0].extensions.field, "name");

  sent.take();
  const byGet = client(sent, [fetchExchange], { preferGetMethod: true });
  check((await byGet.query(PRODUCT, { id })).data.product.name, "Urql");
  check(sent.take()[0].method, "GET");
}

async function persisted() {
  const sent = recording();
  const query = gql`
    query OfUrql($id: ID!) {
      productExists(id: $id)
    }
  `;
  // A client remembers whether the server supports the protocol, so each one is new.
  const urql = (options) =>
    client(sent, [persistedExchange({ preferGetForPersistedQueries: false, ...options }), fetchExchange]);
  const first = await urql().query(query, { id: "1" });
  check(first.data, { productExists: false });
  check(sent.take().map((call) => [call.query !== undefined, call.hash?.length]), [[false, 64], [true, 64]]);
  await urql().query(query, { id: "2" });
  check(sent.take().map((call) => [call.query !== undefined, call.method]), [[false, "POST"]]);
  await urql({ preferGetForPersistedQueries: true }).query(query, { id: "3" });
  check(sent.take().map((call) => [call.query !== undefined, call.method]), [[false, "GET"]]);
  const input = { name: "By hash", price: 1 };
  const created = await urql({ enableForMutation: true }).mutation(CREATE, { input });
  check(created.data.createProduct.name, "By hash");
  check(sent.take().map((call) => call.query !== undefined), [false, true]);
}

// The results of a subscription, until it is stopped.
function follow(urql, after) {
  const results = [];
  const { unsubscribe } = urql.subscription(CREATED, { after }).subscribe((result) => results.push(result));
  return { results, unsubscribe };
}

async function subscribe(urql, name) {
  const id = await create(name);
  const all = follow(urql, "0");
  await until("the message", () => all.results.some(({ data }) => data?.productCreated.id === id));
  const { data, extensions } = all.results.find((result) => result.data.productCreated.id === id);
  check(data.productCreated.name, name);
  all.unsubscribe();
  const next = await create(`${name} too`);
  const resumed = follow(urql, extensions.position);
  await until("the next message", () => resumed.results.length > 0);
  check(resumed.results[0].data.productCreated.id, next);
  resumed.unsubscribe();
}

async function overSockets() {
  const socket = createSocketClient({ url: `ws://${host}/graphql`, webSocketImpl: WebSocket });
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
  });
  await subscribe(client(recording(), [fetchExchange, subscriptionExchange({ forwardSubscription })]), "Socket");
  await socket.dispose();
}

async function overStreams() {
  const stream = createStreamClient({ url });
  const forwardSubscription = ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: stream.subscribe({ query, variables }, sink) }),
  });
  await subscribe(client(recording(), [fetchExchange, subscriptionExchange({ forwardSubscription })]), "Stream");
  stream.dispose();
  // It can read event streams itself.
  const sent = recording();
  await subscribe(client(sent, [fetchExchange], { fetchSubscriptions: true }), "Fetched");
  check(sent.take().map((call) => call.type), ["text/event-stream", "text/event-stream"]);
}

main(operations, persisted, overSockets, overStreams);
