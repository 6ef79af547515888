// The schema beside the editor: read by introspection, walked type by type; a root field can be put into the editor.
const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const INPUT = `name description defaultValue type { ${TYPE} }`;
const INTROSPECTION = `query Schema { __schema {
  queryType { name } mutationType { name } subscriptionType { name }
  types { kind name description
    fields(includeDeprecated: true) { name description isDeprecated deprecationReason type { ${TYPE} } args { ${INPUT} } }
    inputFields { ${INPUT} }
    enumValues(includeDeprecated: true) { name description } } } }`;
const DEEPEST = 4; // levels of a sample query: a screen's types are rarely deeper

const at = (id) => document.getElementById(id);

function element(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function link(text, act) {
  const button = element("button", "plain", text);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

const text = (type) =>
  type.kind === "NON_NULL" ? `${text(type.ofType)}!` : type.kind === "LIST" ? `[${text(type.ofType)}]` : type.name;
const named = (type) => (type.ofType ? named(type.ofType) : type.name);

export async function showSchema(ask, use) {
  const place = at("schema");
  try {
    const response = await ask({ query: INTROSPECTION });
    const answer = await response.json();
    if (!answer.data) throw new Error(answer.errors?.[0]?.message ?? answer.detail ?? answer.title ?? `status ${response.status}`);
    new Browser(answer.data.__schema, place, use).roots();
  } catch (error) {
    place.replaceChildren(element("p", "bad", `The schema could not be read: ${error.message}`));
  }
}

class Browser {
  constructor(schema, place, use) {
    this.types = new Map(schema.types.map((type) => [type.name, type]));
    this.operations = [["query", schema.queryType], ["mutation", schema.mutationType], ["subscription", schema.subscriptionType]]
      .filter(([, type]) => type);
    this.place = place;
    this.use = use;
    this.trail = [];
    at("back").onclick = () => {
      this.trail.pop();
      const last = this.trail.at(-1);
      last ? this.draw(last) : this.roots();
    };
  }

  roots() {
    this.trail = [];
    const groups = this.operations.flatMap(([operation, { name }]) => [
      element("div", "group", operation === "query" ? "Screens" : operation === "mutation" ? "Actions" : "Live"),
      ...this.types.get(name).fields.map((field) => this.field(field, operation)),
    ]);
    this.put("Schema", groups);
  }

  open(name) {
    this.trail.push(name);
    this.draw(name);
  }

  draw(name) {
    const type = this.types.get(name);
    const parts = [type.description ? element("p", "soft", type.description) : null];
    parts.push(...(type.fields ?? []).map((field) => this.field(field)));
    parts.push(...(type.inputFields ?? []).map((field) => this.field({ ...field, args: [] })));
    parts.push(...(type.enumValues ?? []).map((value) => this.entry(element("div", "sign", element("span", "w", value.name)), value.description)));
    this.put(name, parts.filter(Boolean));
  }

  put(title, parts) {
    at("where").textContent = title;
    at("back").hidden = !this.trail.length;
    this.place.className = "";
    this.place.replaceChildren(...parts);
    this.place.scrollTop = 0;
  }

  field(field, operation) {
    const sign = element("div", "sign", element("span", "k", field.name));
    if (field.args.length) {
      sign.append("(");
      field.args.forEach((arg, index) => {
        sign.append(index ? ", " : "", arg.name, ": ", this.type(arg.type), arg.defaultValue ? ` = ${arg.defaultValue}` : "");
      });
      sign.append(")");
    }
    sign.append(": ", this.type(field.type));
    const entry = this.entry(sign, [field.description, field.isDeprecated ? `Deprecated: ${field.deprecationReason}` : ""].filter(Boolean).join("\n"));
    if (operation) {
      const insert = link("use", () => this.use(this.sample(field, operation)));
      insert.classList.add("use");
      entry.prepend(insert);
    }
    return entry;
  }

  entry(sign, description) {
    return element("div", "entry", sign, description ? element("p", "", description) : null);
  }

  type(type) {
    const found = this.types.get(named(type));
    const leaf = !found || (!found.fields && !found.inputFields && !found.enumValues);
    return leaf ? element("span", "n", text(type)) : link(text(type), () => this.open(found.name));
  }

  // A query that can be run as it is, but for the variables that a field insists on.
  sample(field, operation) {
    const needed = field.args.filter((arg) => arg.type.kind === "NON_NULL" && arg.defaultValue === null);
    const declared = needed.map((arg) => `$${arg.name}: ${text(arg.type)}`).join(", ");
    const passed = needed.map((arg) => `${arg.name}: $${arg.name}`).join(", ");
    const head = `${operation} ${field.name[0].toUpperCase()}${field.name.slice(1)}${declared ? `(${declared})` : ""}`;
    const body = `${field.name}${passed ? `(${passed})` : ""}${this.selection(named(field.type), "  ", [])}`;
    const variables = needed.length ? JSON.stringify(Object.fromEntries(needed.map((arg) => [arg.name, null])), null, 2) : "";
    return { query: `${head} {\n  ${body}\n}\n`, variables };
  }

  selection(name, indent, path) {
    const type = this.types.get(name);
    if (!type?.fields) return "";
    const lines = type.fields
      .filter((field) => !field.args.some((arg) => arg.type.kind === "NON_NULL" && arg.defaultValue === null))
      .filter((field) => !this.types.get(named(field.type))?.fields || (path.length < DEEPEST && !path.includes(named(field.type))))
      .map((field) => `${indent}  ${field.name}${this.selection(named(field.type), `${indent}  `, [...path, name])}`);
    return ` {\n${(lines.length ? lines : [`${indent}  __typename`]).join("\n")}\n${indent}}`;
  }
}
