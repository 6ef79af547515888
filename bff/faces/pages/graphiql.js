// The page's wiring: the editor, running a query, showing its answer and how each section of it was had.
import { paintJson, paintQuery } from "./graphiql_paint.js";
import { showSchema } from "./graphiql_schema.js";

const { app, endpoint, tried } = document.body.dataset;
const at = (id) => document.getElementById(id);
const [query, variables, token, painted] = ["query", "variables", "token", "painted"].map(at);
let running = null;

// What was typed lives as long as the tab, a token too: never longer.
for (const field of [query, variables, token]) {
  const name = `${app}.${field.id}`;
  field.value = sessionStorage.getItem(name) ?? "";
  field.addEventListener("input", () => sessionStorage.setItem(name, field.value));
}

function paint() {
  painted.replaceChildren(...paintQuery(query.value), "\n");
}

function write(field, text) {
  field.value = text;
  field.dispatchEvent(new Event("input"));
}

export async function ask(body, signal) {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const given = token.value.trim().replace(/^Bearer\s+/i, "");
  if (given) headers.authorization = `Bearer ${given}`;
  return fetch(endpoint, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  const started = performance.now();
  at("run").disabled = true;
  try {
    const given = variables.value.trim() ? JSON.parse(variables.value) : {};
    const response = await ask({ query: query.value, variables: given }, mine.signal);
    const text = await response.text();
    show(response, text, performance.now() - started);
  } catch (error) {
    if (error.name !== "AbortError") say(`${error.message}`, "bad");
  } finally {
    at("run").disabled = false;
  }
}

function show(response, text, took) {
  const facts = `${response.status} · ${Math.round(took)} ms · ${(text.length / 1024).toFixed(1)} KB`;
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    at("result").textContent = text;
    say(facts, "bad");
    return;
  }
  at("result").replaceChildren(...paintJson(answer));
  showSections(answer.extensions?.sections ?? answer.extensions?.meta?.sections ?? {});
  const failed = !response.ok || answer.errors;
  say(facts, failed ? "bad" : at("sections").hidden ? "good" : "warn");
}

function say(text, mood) {
  at("status").textContent = text;
  at("status").className = mood;
}

function showSections(sections) {
  const chips = Object.entries(sections).map(([path, outcome]) => {
    const chip = document.createElement("span");
    chip.className = `chip ${outcome.status}`;
    chip.textContent = [path, outcome.status, outcome.reason, outcome.service].filter(Boolean).join(" · ");
    return chip;
  });
  at("sections").replaceChildren(...chips);
  at("sections").hidden = !chips.length;
}

query.addEventListener("input", paint);
query.addEventListener("scroll", () => painted.scrollTo(query.scrollLeft, query.scrollTop));
query.addEventListener("keydown", (event) => {
  if (event.key === "Tab" && !event.shiftKey) {
    event.preventDefault();
    query.setRangeText("  ", query.selectionStart, query.selectionEnd, "end");
    query.dispatchEvent(new Event("input"));
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
at("run").addEventListener("click", run);

function use(sample) {
  write(query, sample.query);
  write(variables, sample.variables);
  query.focus();
  query.setSelectionRange(0, 0);
  query.scrollTo(0, 0);
}

paint();
if (tried === "yes") {
  token.addEventListener("change", () => showSchema(ask, use));
  showSchema(ask, use);
} else {
  at("run").disabled = true;
  say("This listener only shows; it has no gateway to run queries with.", "soft");
  at("schema").replaceChildren("The whole schema is in schema.graphql, above.");
}
