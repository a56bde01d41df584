// Subscriptions by the clients that front ends use: graphql-ws and graphql-sse, unchanged.
//
//   node subscriptions.cjs HOST:PORT [tls]
//
// Prints the number of checks.
"use strict";

const { createClient: createSocketClient } = require("graphql-ws");
const { createClient: createStreamClient } = require("graphql-sse");
const WebSocket = require("ws");
const { assert, check, create, main, run, socketUrl, url } = require("./support.cjs");

const CREATED = "subscription($after: String) { productCreated(after: $after) { id name } }";

async function next(results) {
  const { value, done } = await results.next();
  assert.equal(done, false, "there is another result");
  return value;
}

// The part that both clients have in common.
async function follow(client, prefix) {
  const ids = [await create(`${prefix} 1`)];
  const results = client.iterate({ query: CREATED, variables: { after: "0" } });
  let result;
  do {
    result = await next(results);
  } while (result.data.productCreated.id !== ids[0]);
  check(result.data.productCreated, { id: ids[0], name: `${prefix} 1` });
  ids.push(await create(`${prefix} 2`));
  const second = await next(results);
  check(second.data.productCreated.id, ids[1]);
  check(BigInt(second.extensions.position) > BigInt(result.extensions.position), true);
  await results.return();

  ids.push(await create(`${prefix} 3`));
  const after = result.extensions.position;
  const resumed = client.iterate({ query: CREATED, variables: { after } });
  check((await next(resumed)).data.productCreated.id, ids[1]);
  check((await next(resumed)).data.productCreated.id, ids[2]);
  await resumed.return();

  const query = client.iterate({ query: "query($id: ID!) { product(id: $id) { name } }", variables: { id: ids[2] } });
  check((await next(query)).data.product.name, `${prefix} 3`);
  check((await query.next()).done, true);
}

async function failure(results) {
  try {
    await results.next();
  } catch (error) {
    return error;
  }
  throw new Error("it does not fail");
}

async function sockets() {
  const client = createSocketClient({ url: socketUrl, webSocketImpl: WebSocket, retryAttempts: 0 });
  await follow(client, "socket");
  const above = client.iterate({ query: CREATED, variables: { after: "1000000000" } });
  const errors = await failure(above);
  check(errors[0].extensions.code, "BAD_REQUEST");
  const invalid = client.iterate({ query: "subscription { nothing }" });
  check((await failure(invalid))[0].extensions.code, "GRAPHQL_VALIDATION_FAILED");
  const mutation = client.iterate({ query: 'mutation { createCategory(input: {name: "By socket"}) { name } }' });
  check((await next(mutation)).data.createCategory.name, "By socket");
  await client.dispose();
}

async function streams() {
  const client = createStreamClient({ url, retryAttempts: 0 });
  await follow(client, "stream");
  const above = client.iterate({ query: CREATED, variables: { after: "1000000000" } });
  const error = await failure(above);
  check(error.response.status, 400);
  check((await error.response.json()).errors[0].extensions.code, "BAD_REQUEST");
  client.dispose();
}

async function orders() {
  const product = await create("To order");
  const query =
    "mutation($id: ID!) { createOrder(input: {userId: \"ann\", items: [{productId: $id, quantity: 1}]}) { id } }";
  const { createOrder } = await run(query, { id: product });
  const client = createSocketClient({ url: socketUrl, webSocketImpl: WebSocket });
  const updates = client.iterate({
    query: 'subscription($id: ID!) { orderUpdated(orderId: $id, after: "0") { status sagaState { state completedSteps } } }',
    variables: { id: createOrder.id },
  });
  let order;
  do {
    order = (await next(updates)).data.orderUpdated;
  } while (order.status !== "CONFIRMED" || order.sagaState.state !== "completed");
  check(order.sagaState.completedSteps.at(-1), "confirm_order");
  await updates.return();
  await client.dispose();
}

main(sockets, streams, orders);
