// A form that sends operations, for a gateway without the files of GraphiQL.

import { operationNames, run } from "./transport.js";

const part = (id) => document.getElementById(id);

/** The token in a text that may be the whole header, as other programs show it. */
const tokenIn = (text) => text.trim().replace(/^(authorization\s*:\s*)?(bearer(\s+|$))?/i, "");

/** Shows the form with an operation of `tabs`, which are the samples or what the address names. */
export function openForm({ tabs, operationName, notice }) {
  let running;
  const show = ({ query, variables }) => {
    part("query").value = query;
    part("variables").value = variables || "{}";
  };

  async function send(event) {
    event.preventDefault();
    const result = part("result");
    let variables;
    try {
      variables = JSON.parse(part("variables").value || "{}");
    } catch (error) {
      result.textContent = `The variables are not JSON: ${error.message}`;
      return;
    }
    running?.return();
    result.textContent = "";
    const token = tokenIn(part("token").value);
    const headers = token ? { authorization: `Bearer ${token}` } : {};
    const results = run({ query: part("query").value, variables, operationName }, headers);
    running = results;
    part("stop").disabled = false;
    try {
      for await (const one of results) {
        result.textContent += `${JSON.stringify(one, null, 2)}\n`;
      }
    } catch (error) {
      result.textContent += `${error.message}\n`;
    }
    if (running === results) {
      part("stop").disabled = true;
    }
  }

  for (const [index, { query }] of tabs.entries()) {
    const [name = `Operation ${index + 1}`] = operationNames(query);
    part("samples").append(new Option(name, index));
  }
  part("samples").onchange = () => show(tabs[part("samples").value]);
  part("stop").onclick = () => running?.return();
  part("plain").onsubmit = send;
  part("plain").onkeydown = (event) => {
    if (event.ctrlKey && event.key === "Enter") {
      part("plain").requestSubmit();
    }
  };
  part("notice").textContent = notice;
  show(tabs[0] ?? { query: "" });
  part("plain").hidden = false;
}
