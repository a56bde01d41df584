// @apollo/client, unchanged, against a running gateway.
//
//   node apollo.cjs HOST:PORT
"use strict";

const { createHash } = require("node:crypto");
const { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } = require("@apollo/client");
const { createPersistedQueryLink } = require("@apollo/client/link/persisted-queries");
const { GraphQLWsLink } = require("@apollo/client/link/subscriptions");
const { relayStylePagination } = require("@apollo/client/utilities");
const { createClient } = require("graphql-ws");
const { assert, check, create, createCategory, host, main, readingWrites, recording, until, url } = require("../support.cjs");

// The link for subscriptions expects a browser's.
globalThis.WebSocket ??= require("ws");

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

function client(link, cache = {}) {
  return new ApolloClient({ link, cache: new InMemoryCache(cache) });
}

// The errors of the response that made an operation fail.
async function failure(running) {
  try {
    await running;
  } catch (error) {
    assert.ok(CombinedGraphQLErrors.is(error), error);
    return error.errors;
  }
  throw new Error("it does not fail");
}

async function operations() {
  const sent = recording();
  const apollo = client(new HttpLink({ uri: url, fetch: sent.fetch }));
  const input = { name: "Apollo", price: 12.5, categoryId: await createCategory("Of Apollo") };
  const context = { headers: { "Idempotency-Key": "apollo-1" } };
  const created = await apollo.mutate({ mutation: CREATE, variables: { input }, context });
  const again = await apollo.mutate({ mutation: CREATE, variables: { input }, context });
  check(again.data, created.data, "the same key gives the same answer");
  const other = { input: { ...input, name: "Other" } };
  const reused = await failure(apollo.mutate({ mutation: CREATE, variables: other, context }));
  check(reused[0].extensions.code, "IDEMPOTENCY_KEY_REUSED");
  const { id } = created.data.createProduct;
  sent.take();
  const read = await apollo.query({ query: PRODUCT, variables: { id } });
  check(read.data.product.category, { __typename: "Category", name: "Of Apollo" });
  const [call] = sent.take();
  check([call.method, call.type], ["POST", "application/graphql-response+json"]);
  await apollo.query({ query: PRODUCT, variables: { id } });
  check(sent.take(), [], "the second one is answered by the cache");
}

async function errors() {
  const apollo = client(new HttpLink({ uri: url, fetch: readingWrites }));
  const missing = await failure(apollo.query({ query: PRODUCT, variables: { id: "none" } }));
  check([missing[0].extensions.code, missing[0].path], ["NOT_FOUND", ["product"]]);
  const partly = await apollo.query({ query: PRODUCT, variables: { id: "none" }, errorPolicy: "all" });
  check([partly.data, partly.error.errors.length], [{ product: null }, 1]);
  const invalid = await failure(apollo.query({ query: gql`{ nothing }` }));
  check(invalid[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  const input = { name: " ", price: 1 };
  const rejected = await failure(apollo.mutate({ mutation: CREATE, variables: { input } }));
  check([rejected[0].extensions.code, rejected[0].extensions.field], ["VALIDATION_ERROR", "name"]);
}

async function persisted() {
  const sent = recording();
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const link = (options) =>
    createPersistedQueryLink({ sha256, ...options }).concat(new HttpLink({ uri: url, fetch: sent.fetch }));
  const query = gql`
    query OfApollo($id: ID!) {
      productExists(id: $id)
    }
  `;
  const first = await client(link()).query({ query, variables: { id: "1" } });
  check(first.data, { productExists: false });
  const [asked, registered, ...rest] = sent.take();
  check([asked.query, registered.query !== undefined, rest], [undefined, true, []]);
  check([registered.hash, asked.hash], [sha256(registered.query), sha256(registered.query)]);
  await client(link()).query({ query, variables: { id: "2" } });
  const [known, ...more] = sent.take();
  check([known.query, known.hash, known.method, more], [undefined, registered.hash, "POST", []]);
  await client(link({ useGETForHashedQueries: true })).query({ query, variables: { id: "3" } });
  const [got] = sent.take();
  check([got.query, got.hash, got.method, got.status], [undefined, registered.hash, "GET", 200]);
  const input = { name: "By hash", price: 1 };
  const created = await client(link()).mutate({ mutation: CREATE, variables: { input } });
  check(created.data.createProduct.name, "By hash");
  check(sent.take().map((call) => call.query === undefined), [true, false]);
}

async function queriesByGet() {
  const sent = recording();
  const apollo = client(new HttpLink({ uri: url, useGETForQueries: true, fetch: sent.fetch }));
  await apollo.query({ query: gql`{ productStatistics { totalCount } }` });
  await apollo.mutate({ mutation: CREATE, variables: { input: { name: "By POST", price: 1 } } });
  check(sent.take().map(({ method, status }) => [method, status]), [["GET", 200], ["POST", 200]]);
}

async function pagination() {
  const category = await createCategory("Pages of Apollo");
  const names = ["P1", "P2", "P3", "P4", "P5"];
  for (const name of names) await create(name, category);
  const policies = { Query: { fields: { productsConnection: relayStylePagination(["categoryId"]) } } };
  const apollo = client(new HttpLink({ uri: url, fetch: readingWrites }), { typePolicies: policies });
  const pages = apollo.watchQuery({
    query: gql`
      query Pages($category: ID!, $after: String) {
        productsConnection(categoryId: $category, first: 2, after: $after) {
          totalCount
          edges {
            cursor
            node {
              id
              name
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    `,
    variables: { category },
  });
  let seen;
  const watching = pages.subscribe(({ data }) => (seen = data?.productsConnection));
  await until("the first page", () => seen?.edges?.length === 2);
  check(seen.totalCount, 5);
  while (seen.pageInfo.hasNextPage) {
    const { length } = seen.edges;
    await pages.fetchMore({ variables: { after: seen.pageInfo.endCursor } });
    await until("the next page", () => seen.edges.length > length);
  }
  check(seen.edges.map((edge) => edge.node.name), names);
  watching.unsubscribe();
}

async function nodes() {
  const apollo = client(new HttpLink({ uri: url, fetch: readingWrites }), { possibleTypes: { Node: ["Category", "Order", "Product"] } });
  const id = await create("A node");
  const read = await apollo.query({ query: gql`query($id: ID!) { product(id: $id) { id nodeId } }`, variables: { id } });
  const query = gql`
    query Node($id: ID!) {
      node(id: $id) {
        nodeId
        ... on Product {
          name
        }
      }
    }
  `;
  const node = await apollo.query({ query, variables: { id: read.data.product.nodeId } });
  check(node.data.node.name, "A node");
}

async function subscriptions() {
  const socket = createClient({ url: `ws://${host}/graphql` });
  const isSubscription = ({ operationType }) => operationType === "subscription";
  const link = ApolloLink.split(isSubscription, new GraphQLWsLink(socket), new HttpLink({ uri: url, fetch: readingWrites }));
  const apollo = client(link);
  const query = gql`
    subscription Created($after: String) {
      productCreated(after: $after) {
        id
        name
      }
    }
  `;
  const follow = (after) => {
    const results = [];
    const running = apollo.subscribe({ query, variables: { after } }).subscribe((result) => results.push(result));
    return { results, stop: () => running.unsubscribe() };
  };
  const id = await create("Followed");
  const all = follow("0");
  await until("the message", () => all.results.some(({ data }) => data.productCreated.id === id));
  const { extensions, data } = all.results.find((result) => result.data.productCreated.id === id);
  check(data.productCreated.name, "Followed");
  all.stop();
  const next = await create("Followed too");
  const resumed = follow(extensions.position);
  await until("the next message", () => resumed.results.length > 0);
  check(resumed.results[0].data.productCreated.id, next);
  resumed.stop();
  const wrong = apollo.subscribe({ query, variables: { after: "x" } });
  const failed = await new Promise((resolve) => wrong.subscribe(resolve));
  check(failed.error.errors[0].extensions.code, "BAD_REQUEST");
  await socket.dispose();
}

main(operations, errors, persisted, queriesByGet, pagination, nodes, subscriptions);
