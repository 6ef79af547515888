// Colours for a query and for JSON, as nodes: nothing from a backend is ever read as HTML.
const QUERY = /(#[^\n]*)|("""[\s\S]*?"""|"(?:\\.|[^"\\\n])*")|(\b(?:query|mutation|subscription|fragment|on|true|false|null)\b)|([$@!][A-Za-z_]*)|(-?\b\d+(?:\.\d+)?\b)/g;
const QUERY_KINDS = ["c", "s", "w", "k", "n"];
const JSON_PARTS = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/g;
const LARGEST = 400_000; // characters: above it colours cost more than they help

function span(kind, text) {
  const node = document.createElement("span");
  node.className = kind;
  node.textContent = text;
  return node;
}

function* painted(text, pattern, kindOf) {
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) yield text.slice(end, match.index);
    yield span(kindOf(match), match[0]);
    end = match.index + match[0].length;
  }
  yield text.slice(end);
}

export function paintQuery(text) {
  return painted(text, QUERY, (match) => QUERY_KINDS[match.slice(1).findIndex((group) => group !== undefined)]);
}

export function paintJson(value) {
  const text = JSON.stringify(value, null, 2);
  if (text.length > LARGEST) return [text];
  return painted(text, JSON_PARTS, (match) => (match[2] ? "k" : match[1] ? "s" : match[3] ? "w" : "n"));
}
