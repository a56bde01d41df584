// The pages of the gateway in a real browser, and pages of other origins that call it.
//
//   node browser.cjs editor HOST:PORT
//   node browser.cjs form HOST:PORT
//   node browser.cjs origins DEVELOPMENT PRODUCTION ALLOWED
//
// The gateways of `origins`: one in development, one in production, and one in production that allows http://front.example.
// Prints the number of checks.
"use strict";

const { existsSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { AxeBuilder } = require("@axe-core/playwright");
const { chromium } = require("playwright-core");
const { assert, check, main } = require("./support.cjs");

const TIMEOUT_MS = 30_000;
const POLL_INTERVAL_MS = 20;

// Faults of GraphiQL that this repository cannot mend: axe's rule, the element, and why.
const TOLERATED = [
  // GraphiQL's tab is itself the button that selects it, with the button that closes it inside.
  { rule: "nested-interactive", element: /^<li [^>]*class="graphiql-tab/ },
];

function checkIncludes(text, part) {
  check(text.includes(part), true, `${JSON.stringify(part)} is not in ${text}`);
}

function executable() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const paths = (process.env.PATH ?? "").split(":").flatMap((folder) => names.map((name) => join(folder, name)));
  const found = process.env.CHROMIUM ?? paths.find((path) => existsSync(path));
  assert.ok(found, "there is no Chromium: install it (on Debian: apt-get install chromium), or name it in CHROMIUM");
  return found;
}

// A browser in which no name resolves but those of `hosts`: pairs of a name and the address that it stands for.
function launch(hosts = []) {
  const rules = [...hosts.map(([name, address]) => `MAP ${name} ${address}`), "MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1"];
  const args = [`--host-resolver-rules=${rules.join(", ")}`];
  if (process.getuid?.() === 0) {
    args.push("--no-sandbox");
  }
  return chromium.launch({ executablePath: executable(), args });
}

async function send(gateway, query, variables, headers = {}) {
  const response = await fetch(`http://${gateway}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

const createCategory = (gateway, name) =>
  send(gateway, "mutation($name: String!) { createCategory(input: {name: $name}) { id } }", { name });

const createProduct = (gateway, name) =>
  send(gateway, 'mutation($name: String!) { createProduct(input: {name: $name, price: "1.50"}) { id } }', { name });

// Waits until `probe` returns true.
async function until(what, probe) {
  const end = performance.now() + TIMEOUT_MS;
  let last;
  while (performance.now() < end) {
    last = await probe();
    if (last === true) {
      check(last, true, what);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
  assert.fail(`${what}: ${JSON.stringify(last)}`);
}

const has = async (locator, part) => {
  const text = (await locator.innerText()).replaceAll("\u00a0", " ");
  return text.includes(part) || text;
};

const hasEventually = (locator, part) => until(`${part} is shown`, () => has(locator, part));

// A page that records its requests and its errors.
class Watched {
  static async open(browser, gateway, path, colorScheme = "light") {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme });
    const watched = new Watched();
    watched.gateway = gateway;
    watched.requests = [];
    watched.errors = [];
    await context.route("**/*", (route) => {
      watched.requests.push(route.request());
      return route.continue();
    });
    watched.page = await context.newPage();
    watched.page.setDefaultTimeout(TIMEOUT_MS);
    watched.page.on("websocket", (socket) => watched.requests.push(socket));
    watched.page.on("pageerror", (error) => watched.errors.push(error.message));
    watched.page.on("console", (message) => {
      if (message.type() === "error") {
        watched.errors.push(message.text());
      }
    });
    await watched.visit(path);
    return watched;
  }

  async visit(path) {
    const response = await this.page.goto(`http://${this.gateway}${path}`);
    check(response.status(), 200);
  }

  // The bodies and the authorization of the operations that the page has sent, without introspection.
  operations() {
    const sent = this.requests.filter((request) => request.url().endsWith("/graphql"));
    return sent
      .map((request) => ({ ...request.postDataJSON(), authorization: request.headers().authorization }))
      .filter((operation) => !operation.query.includes("__schema"));
  }

  async isAccessible(what) {
    const { violations } = await new AxeBuilder({ page: this.page }).analyze();
    const isTolerated = (rule, html) => TOLERATED.some((one) => one.rule === rule && one.element.test(html));
    const faults = violations.flatMap(({ id, impact, nodes }) =>
      nodes.filter(({ html }) => !isTolerated(id, html)).map(({ html }) => `${impact} ${id}: ${html}`),
    );
    check(faults, [], what);
  }

  // Nothing was asked of another host, and nothing failed.
  async close() {
    const elsewhere = this.requests
      .map((request) => request.url())
      .filter((url) => !/^(data|blob):/.test(url) && new URL(url).host !== this.gateway);
    check(elsewhere, []);
    check(this.errors, []);
    await this.page.context().close();
  }
}

// GraphiQL

const run = (page) => page.locator(".graphiql-execute-button").click();
const text = (page, file) => page.locator(`[data-uri$="${file}"] .view-lines`);
const response = (page) => text(page, "response.json");

async function select(page, operation) {
  await page.locator(".graphiql-tab-button", { hasText: operation }).click();
  await isStored(page, operation);
}

// Waits until the open tab is stored. GraphiQL reads the editor with a delay, and stores the tab after that.
async function isStored(page, operation) {
  await page.waitForFunction((name) => {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem("graphiql:tabState")) ?? { tabs: [] };
    return tabs[activeTabIndex]?.operationName === name;
  }, operation);
}

async function hasTabs(page, names, open) {
  await page.locator(".graphiql-execute-button").waitFor();
  const trimmed = async (tabs) => (await page.locator(tabs).allInnerTexts()).map((name) => name.trim());
  check(await trimmed(".graphiql-tab-button"), names);
  check(await trimmed(".graphiql-tab-active .graphiql-tab-button"), [open]);
}

// A later visit has the same tabs, and opens the same one.
async function keepsTabs(page, names, open) {
  await hasTabs(page, names, open);
  await isStored(page, open);
  await page.reload();
  await hasTabs(page, names, open);
}

const SAMPLES = ["Categories", "CreateCategory", "CreateProduct", "Products", "Orders"];

async function editor(gateway) {
  await createCategory(gateway, "Seen in a browser");
  const browser = await launch();
  await samples(browser, gateway);
  await address(browser, gateway);
  await browser.close();
  await files(gateway);
}

async function samples(browser, gateway) {
  const watched = await Watched.open(browser, gateway, "/graphiql");
  const { page } = watched;
  await keepsTabs(page, SAMPLES, "Categories");
  await run(page);
  await hasEventually(response(page), '"name": "Seen in a browser"');
  check(watched.operations()[0].variables, { products: 5 });
  check(watched.operations()[0].authorization, undefined, "no token, no header");
  await watched.isAccessible("GraphiQL with a result");

  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  await hasEventually(page.locator(".graphiql-plugin"), "subscription");
  await watched.isAccessible("the documentation");
  await page.getByRole("button", { name: "Hide Documentation Explorer" }).click();

  await select(page, "Products");
  const opened = page.waitForResponse((one) => one.headers()["content-type"]?.startsWith("text/event-stream"));
  await run(page);
  await opened;
  // The response begins before the subscription does, and a change before that is not reported.
  await until("a change is shown", async () => {
    await createProduct(gateway, "Seen by a subscriber");
    return has(response(page), '"name": "Seen by a subscriber"');
  });
  await run(page);
  await until("the subscription has ended", async () => {
    const metrics = await (await fetch(`http://${gateway}/metrics`)).text();
    return /^graphql_sockets\{transport="sse"\} 0$/m.test(metrics) || metrics.match(/^graphql_sockets.*$/gm);
  });

  await select(page, "Categories");
  await page.getByRole("button", { name: "Headers" }).click();
  await page.locator('[data-uri$="request-headers.json"] textarea').focus();
  // Into the text "Bearer " on the second line.
  for (const key of ["Control+Home", "ArrowDown", "End", "ArrowLeft"]) {
    await page.keyboard.press(key);
  }
  await page.keyboard.type("seen-by-the-gateway");
  await run(page);
  await until("the token was sent", () => watched.operations().at(-1).authorization === "Bearer seen-by-the-gateway");
  const stored = await page.evaluate(() => JSON.stringify(localStorage));
  check(stored.includes("seen-by-the-gateway"), false, "the token is not stored");
  await keepsTabs(page, SAMPLES, "Categories");
  await select(page, "Orders");
  await keepsTabs(page, SAMPLES, "Orders");
  await watched.close();
}

const NAMED = "query One($name: String!) { categoryByName(name: $name) { name } }\nquery Other { __typename }";
const NAMED_ADDRESS = `/graphiql?${new URLSearchParams({
  query: NAMED,
  variables: JSON.stringify({ name: "Seen in a browser" }),
  operationName: "One",
})}`;
const WITHOUT_VARIABLES = "query Two { __typename }";

async function address(browser, gateway) {
  const watched = await Watched.open(browser, gateway, NAMED_ADDRESS, "dark");
  await watched.page.locator(".graphiql-execute-button").waitFor();
  await run(watched.page);
  await hasEventually(response(watched.page), '"name": "Seen in a browser"');
  const [{ variables, operationName }] = watched.operations();
  check({ variables, operationName }, { variables: { name: "Seen in a browser" }, operationName: "One" });
  await watched.isAccessible("GraphiQL in dark colours");
  await keepsTabs(watched.page, ["One"], "One");
  await watched.visit(`/graphiql?${new URLSearchParams({ query: WITHOUT_VARIABLES })}`);
  await hasTabs(watched.page, ["One", "Two"], "Two");
  await run(watched.page);
  await hasEventually(response(watched.page), '"__typename": "Query"');
  check(watched.operations().at(-1).variables, undefined, "the variables are not those of another address");
  await watched.close();
}

// What browsers need to load the files once.
async function files(gateway) {
  for (const name of ["graphiql.js", "graphiql.css", "json.worker.js", "explorer.js"]) {
    const url = `http://${gateway}/graphiql/${name}`;
    const first = await fetch(url, { headers: { "accept-encoding": "br" } });
    check([first.status, first.headers.get("content-encoding")], [200, "br"], name);
    await first.arrayBuffer();
    const again = await fetch(url, { headers: { "if-none-match": first.headers.get("etag") } });
    check(again.status, 304, name);
  }
  check((await fetch(`http://${gateway}/graphiql/LICENSE`)).status, 404);
}

// The form

async function form(gateway) {
  await createCategory(gateway, "Seen in a browser");
  const browser = await launch();
  let watched = await Watched.open(browser, gateway, "/graphiql");
  let { page } = watched;
  checkIncludes(await page.locator("#notice").innerText(), "cargo xtask graphiql");
  await page.getByRole("button", { name: "Run" }).click();
  await hasEventually(page.locator("#result"), '"name": "Seen in a browser"');
  await watched.isAccessible("the form with a result");
  check(watched.operations()[0].authorization, undefined);

  await page.getByLabel("Sample operation").selectOption({ label: "Products" });
  const token = page.getByLabel("Token");
  await token.fill("seen-by-the-gateway");
  const opened = page.waitForResponse((one) => one.headers()["content-type"]?.startsWith("text/event-stream"));
  await page.getByLabel("Query").press("Control+Enter");
  await opened;
  await createProduct(gateway, "Seen by a subscriber");
  await hasEventually(page.locator("#result"), '"name": "Seen by a subscriber"');
  check(watched.operations().at(-1).authorization, "Bearer seen-by-the-gateway");
  await page.getByRole("button", { name: "Stop" }).click();
  await page.locator("#stop:disabled").waitFor();
  await page.getByLabel("Query").fill("{ __typename }");
  for (const [text, authorization] of [
    ["Bearer abc", "Bearer abc"],
    [" Authorization: bearer  abc ", "Bearer abc"],
    ["bearer-abc", "Bearer bearer-abc"],
    ["Bearer", undefined],
    ["", undefined],
  ]) {
    await token.fill(text);
    await page.getByRole("button", { name: "Run" }).click();
    await hasEventually(page.locator("#result"), '"__typename": "Query"');
    check(watched.operations().at(-1).authorization, authorization, text);
  }
  await watched.close();

  watched = await Watched.open(browser, gateway, NAMED_ADDRESS);
  page = watched.page;
  await page.getByRole("button", { name: "Run" }).click();
  await hasEventually(page.locator("#result"), '"name": "Seen in a browser"');
  check(watched.operations()[0].operationName, "One");
  await page.getByLabel("Query").fill(WITHOUT_VARIABLES);
  await page.getByRole("button", { name: "Run" }).click();
  await hasEventually(page.locator("#result"), '"__typename": "Query"');
  check(watched.operations().at(-1).operationName, undefined, "the document has no such operation any more");
  await watched.close();
  await browser.close();
}

// Pages of other origins

// What a page gets from a gateway: runs in the browser.
async function attempt(gateway) {
  const query = 'mutation { createCategory(input: {name: "Across origins"}) { name } }';
  const call = async () => {
    const response = await fetch(`http://${gateway}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "across-origins", "x-min-position": "0" },
      body: JSON.stringify({ query }),
    });
    const body = await response.json();
    const exposed = ["x-min-position", "x-request-id"].every((name) => response.headers.get(name));
    return exposed ? body.data.createCategory.name : "headers are missing";
  };
  const socket = new Promise((resolve) => {
    const opened = new WebSocket(`ws://${gateway}/graphql`, "graphql-transport-ws");
    opened.onopen = () => opened.send(JSON.stringify({ type: "connection_init" }));
    opened.onmessage = ({ data }) => resolve(JSON.parse(data).type);
    opened.onerror = () => resolve("blocked");
  });
  const stream = new Promise((resolve) => {
    const query = 'subscription { productCreated(after: "0") { name } }';
    const events = new EventSource(`http://${gateway}/graphql?${new URLSearchParams({ query })}`);
    const end = (result) => {
      events.close();
      resolve(result);
    };
    events.addEventListener("next", ({ data }) => end(JSON.parse(data).data.productCreated.name));
    events.onerror = () => end("blocked");
  });
  return { call: await call().catch(() => "blocked"), socket: await socket, stream: await stream };
}

const ALLOWED = { call: "Across origins", socket: "connection_ack", stream: "Across origins" };
const BLOCKED = { call: "blocked", socket: "blocked", stream: "blocked" };

async function origins(development, production, allowed) {
  for (const gateway of [development, production, allowed]) {
    await createProduct(gateway, "Across origins");
  }
  const front = createServer((_, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>A front end</title><link rel=icon href='data:,'>");
  });
  await new Promise((resolve) => front.listen(0, "127.0.0.1", resolve));
  const local = `127.0.0.1:${front.address().port}`;
  const browser = await launch([["front.example", local]]);
  for (const [origin, gateway, expected] of [
    [`http://${local}`, development, ALLOWED],
    ["http://front.example", development, BLOCKED],
    [`http://${local}`, production, BLOCKED],
    ["http://front.example", production, BLOCKED],
    [`http://${local}`, allowed, BLOCKED],
    ["http://front.example", allowed, ALLOWED],
  ]) {
    const page = await browser.newPage();
    await page.goto(`${origin}/`);
    check(await page.evaluate(attempt, gateway), expected, `${origin} calls ${gateway}`);
    await page.close();
  }
  const welcome = await Watched.open(browser, production, "/");
  checkIncludes(await welcome.page.locator("h1").innerText(), "gateway");
  await welcome.isAccessible("the page of a gateway in production");
  await welcome.close();
  await browser.close();
  front.close();
}

const [mode, ...gateways] = process.argv.slice(2);
main(() => ({ editor, form, origins })[mode](...gateways));
