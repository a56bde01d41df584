// Opens GraphiQL if the gateway has its files, else a form.

import { openForm } from "./plain.js";
import { mayStream, run } from "./transport.js";

/** Where a token is entered. It is not sent as long as there is none. */
const HEADERS = '{\n  "Authorization": "Bearer "\n}';

const WORKERS = { editorWorkerService: "editor", graphql: "graphql", json: "json" };

const settings = JSON.parse(document.getElementById("settings").textContent);

/** What the address names: `?query=`, `variables=`, `operationName=`. */
const named = Object.fromEntries(new URLSearchParams(location.search));

function load(tag, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.onload = resolve;
    element.onerror = () => reject(new Error(`${attributes.src ?? attributes.href} could not be loaded`));
    document.head.append(element);
  });
}

/** GraphiQL expects one result of an operation that is no subscription, and a sequence of results of one that is. */
async function fetcher(operation, { headers } = {}) {
  const results = run(operation, headers);
  return mayStream(operation.query) ? results : (await results.next()).value;
}

async function openGraphiql() {
  self.MonacoEnvironment = {
    globalAPI: false,
    getWorkerUrl: (_, label) => `/graphiql/${WORKERS[label]}.worker.js`,
  };
  await Promise.all([
    load("link", { rel: "stylesheet", href: "/graphiql/graphiql.css" }),
    load("script", { src: "/graphiql/graphiql.js" }),
  ]);
  const editor = document.getElementById("editor");
  editor.hidden = false;
  YogaGraphiQL.renderYogaGraphiQL(editor, {
    fetcher,
    title: "GraphiQL",
    logo: " ",
    headers: HEADERS,
    // A token is not written to the disk.
    shouldPersistHeaders: false,
    showPersistHeadersSettings: false,
    // The address stays as it is, so that a reload opens what it names.
    onEditQuery() {},
    ...(settings.introspection ? {} : { schema: null }),
    ...(named.query ? { ...content(named), operationName: named.operationName } : tabs()),
  });
}

/** A tab's texts. GraphiQL replaces one that is missing by that of the last visit. */
const content = ({ query, variables }) => ({ query: query ?? "", variables: variables ?? "" });

/** The samples, and the tab to open: GraphiQL adds one if none of those that it has stored has these texts. */
function tabs() {
  const open = storedTab() ?? settings.samples[0];
  return {
    defaultTabs: settings.samples.map((sample) => ({ ...sample, headers: HEADERS })),
    ...(open ? content(open) : {}),
  };
}

/** The tab that was open at the end of the last visit. */
function storedTab() {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem("graphiql:tabState"));
    return tabs[activeTabIndex];
  } catch {
    // There was no visit, or GraphiQL does not read what is stored either.
    return undefined;
  }
}

function openPlain(notice) {
  const tabs = named.query ? [{ query: named.query, variables: named.variables }] : settings.samples;
  openForm({ tabs, operationName: named.operationName, notice });
}

if (settings.editor) {
  openGraphiql().catch((error) => openPlain(`GraphiQL did not start: ${error.message}.`));
} else {
  openPlain("This form does without GraphiQL. `cargo xtask graphiql` downloads it once for this page.");
}
