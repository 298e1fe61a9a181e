// The four views. Each sets #head and #body; those with lines leave a RowList in `list`.

const element = id => document.getElementById(id);
const data = JSON.parse(element("data").textContent);
const steps = data.steps;
steps.forEach((step, i) => { step.index = i; step.changed = step.file !== ""; step.number = step.changed ? step.file.split("-")[0] : ""; });

const dialectOf = op => op.includes(".") ? op.slice(0, op.indexOf(".")) : "builtin";
const sum = counts => Object.values(counts || {}).reduce((total, count) => total + count, 0);
const previousOf = step => { let i = step.index - 1; while (i >= 0 && !(steps[i].changed && steps[i].isModule)) i--; return steps[i]; };
const formatMs = ms => ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
const signed = n => n > 0 ? `<span class="more">+${n}</span>` : `<span class="less">−${-n}</span>`;
const label = step => `${step.number} ${step.pass}`;

// Dialects in the order in which a compilation meets them, each with a colour of its own.
const dialects = [];
for (const step of steps) for (const op of Object.keys(step.ops || {})) if (!dialects.includes(dialectOf(op))) dialects.push(dialectOf(op));
const hueOf = dialect => `hsl(${(dialects.indexOf(dialect) * 137.5 + 210) % 360} 55% 55%)`;
function byDialect(counts) {
  const totals = new Map();
  for (const [op, count] of Object.entries(counts || {})) totals.set(dialectOf(op), (totals.get(dialectOf(op)) || 0) + count);
  return [...totals].sort((x, y) => dialects.indexOf(x[0]) - dialects.indexOf(y[0]));
}
const bar = (counts, width) => `<span class="bar" style="width:${width}%">` + byDialect(counts).map(([dialect, count]) =>
  `<i style="flex:${count};background:${hueOf(dialect)}" title="${escapeText(dialect)}: ${count} ops"></i>`).join("") + "</span>";

// The text of a step, inflated when first asked for: {lines, sets} with the index into data.sets of each line.
async function load(step) {
  if (step.content) return step.content;
  const packed = element("text" + step.index).textContent;
  let bytes = Uint8Array.from(atob(packed.slice(1)), c => c.charCodeAt(0));
  if (packed[0] === "z") {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  }
  const {text, sets: runs} = JSON.parse(new TextDecoder().decode(bytes));
  const lines = text.replace(/\n+$/, "").split("\n"), sets = new Uint32Array(lines.length);
  for (let i = 0, at = 0; i < runs.length; i += 2) for (let n = 0; n < runs[i] && at < lines.length; n++) sets[at++] = runs[i + 1];
  return step.content = {lines, sets, aliases: aliasesOf(lines), width: lines.reduce((width, line) => Math.max(width, line.length), 0)};
}

const state = {view: "overview", step: 0, node: -1, nodes: false, unchanged: false, query: "", use: "", unfolded: false};
let list = null, shown = null; // `shown`: what the rows of `list` index: {old, now}

function nodesSuffix(content, line) {
  const names = state.nodes && content.sets[line] ? data.sets[content.sets[line]].map(id => data.names[id]) : [];
  if (!names.length) return "";
  const some = names.slice(0, 6).join(", ") + (names.length > 6 ? `, … ${names.length} in all` : "");
  return `<span class="nodes">⟵ ${escapeText(some)}</span>`;
}

function stepHead(step) {
  const before = previousOf(step), counts = step.ops || {}, old = before ? before.ops : {};
  const deltas = !step.isModule || !before || !step.changed ? [] : [...new Set([...Object.keys(counts), ...Object.keys(old)])]
    .map(op => [op, (counts[op] || 0) - (old[op] || 0)]).filter(entry => entry[1]).sort((x, y) => Math.abs(y[1]) - Math.abs(x[1]));
  const facts = [];
  if (step.file) facts.push(`<a href="${encodeURIComponent(step.file)}">${escapeText(step.file)}</a>`, `${step.lines} lines`);
  if (step.ms) facts.push(`${formatMs(step.ms)} ms` + (step.verifyMs ? ` + ${formatMs(step.verifyMs)} ms verifying` : ""));
  if (step.changed && step.isModule) facts.push(before ? `${sum(old)} → ${sum(counts)} ops` : `${sum(counts)} ops`);
  if (step.failed) facts.push('<b class="less">this pass failed</b>');
  element("head").innerHTML = `<h2>${escapeText(step.pass)}</h2><span class="about">${escapeText(step.description)}</span>
    ${step.reason ? `<div class="about">Why here: ${escapeText(step.reason)}</div>` : ""}
    ${step.options && step.options !== step.pass ? `<div class="about mono">${escapeText(step.options)}</div>` : ""}
    <div class="facts">${facts.map(fact => `<span>${fact}</span>`).join("")}</div>
    <div class="chips">${deltas.map(([op, delta]) => `<span class="chip" data-op="${escapeText(op)}" title="${old[op] || 0} → ${counts[op] || 0}; click to search">` +
      `<span class="swatch" style="background:${hueOf(dialectOf(op))};width:8px;height:8px;margin-right:4px"></span>${escapeText(op)} <b>${signed(delta)}</b></span>`).join("")}</div>`;
  element("head").querySelectorAll(".chip").forEach(chip => chip.onclick = () => {
    // Inside a function, ops of its dialect are printed without the prefix.
    if (!search(chip.dataset.op)) search(chip.dataset.op.replace(/^\w+\./, ""));
  });
}

const nothing = text => { list = null; element("body").innerHTML = `<div class="empty">${text}</div>`; };

async function showDiff(step) {
  stepHead(step);
  if (!step.changed) return nothing(step.failed ? "The pass failed; what it left is not dumped." : "This pass changed nothing.");
  const before = previousOf(step);
  if (!before || !step.isModule) return showText(step);
  const [old, now] = await Promise.all([load(before), load(step)]);
  if (state.view !== "diff" || steps[state.step] !== step) return; // another one was chosen meanwhile
  step.rows ||= diffRows(old.lines, now.lines);
  shown = {old, now, step};
  const render = (row, column) => {
    if (row.kind === "fold") return {cls: "fold", gutter: "⋯", html: column ? "" : foldText(row, old)};
    const content = column ? now : old, line = column ? row.b : row.a;
    if (line < 0) return {cls: "none", gutter: "", html: ""};
    const tokens = tokenize(content.lines[line]);
    let marks = null;
    if (row.pair) marks = (row.marks ||= markDifferences(row, tokenize(old.lines[row.a]), tokenize(now.lines[row.b]), old.aliases, now.aliases))[column];
    const cls = row.operands ? "rewired" : row.kind === "changed" ? (column ? "add" : "del") : row.kind;
    return {cls, gutter: line + 1, html: paint(tokens, marks, state.query, state.use) + nodesSuffix(content, line)};
  };
  list = new RowList(element("body"), 2, render, clickLine);
  list.setRows(state.unfolded ? step.rows : foldRows(step.rows), [old.width, now.width]);
  const first = list.rows.findIndex(row => row.kind === "changed");
  if (first > 0) list.show(first);
}

// What a fold hides: how much, and in which function.
function foldText(row, old) {
  const renumbered = row.rows.filter(hidden => hidden.kind === "renumbered").length;
  let line = row.rows[0].a;
  while (line > 0 && !/func @|func\.func.*@/.test(old.lines[line])) line--;
  const symbol = /@([\w$.-]+)/.exec(old.lines[line]);
  return `${row.rows.length} unchanged lines${renumbered ? `, ${renumbered} of them renumbered` : ""}${symbol ? `, from @${escapeText(symbol[1])}` : ""}`;
}

async function showText(step) {
  stepHead(step);
  const source = step.changed ? step : previousOf(step);
  if (!source) return nothing("Nothing was dumped.");
  const now = await load(source);
  if (steps[state.step] !== step || state.view === "overview" || state.view === "node") return;
  shown = {old: null, now, step: source};
  list = new RowList(element("body"), 1, row => ({cls: "", gutter: row.b + 1,
    html: paint(tokenize(now.lines[row.b]), null, state.query, state.use) + nodesSuffix(now, row.b)}), clickLine);
  list.setRows(now.lines.map((line, b) => ({kind: "text", a: -1, b})), [now.width]);
}

// All steps in which a node's lines differ from those of the step before; the others only say so.
async function showNode(node) {
  const name = data.names[node];
  element("head").innerHTML = name === undefined ? "<h2>Nodes</h2>"
    : `<h2>${escapeText(name)}</h2><span class="about">every line that comes from this ONNX node, step by step</span>`;
  if (name === undefined) return nothing(data.names.length ? "Choose an ONNX node on the left." : "The IR carries no node names.");
  const holds = data.sets.map(set => set.includes(node)), rows = [];
  let last = null, width = 0;
  for (const step of steps.filter(step => step.changed)) {
    const content = await load(step);
    if (state.view !== "node" || state.node !== node) return;
    const lines = [];
    content.sets.forEach((set, line) => { if (holds[set]) lines.push(line); });
    const key = lines.map(line => lineKey(content.lines[line], content.aliases).trim()).join("\n");
    if (key === last) { rows.push({kind: "heading", step, text: "same lines"}); continue; }
    last = key;
    rows.push({kind: "heading", step, text: `${lines.length} line${lines.length === 1 ? "" : "s"}`});
    const limit = state.unfolded ? Infinity : 24;
    lines.slice(0, limit).forEach(line => { rows.push({kind: "text", step, b: line}); width = Math.max(width, content.lines[line].length); });
    if (lines.length > limit) rows.push({kind: "fold", step, b: lines[limit], count: lines.length - limit});
  }
  list = new RowList(element("body"), 1, row => {
    if (row.kind === "heading") return {cls: "heading", gutter: row.step.number, html: `${escapeText(row.step.pass)}  <small>${row.step.phase && row.step.phase !== row.step.pass ? escapeText(row.step.phase) + " · " : ""}${row.text}</small>`};
    if (row.kind === "fold") return {cls: "fold", gutter: "⋯", html: `${row.count} more lines (e unfolds all)`};
    return {cls: "", gutter: row.b + 1, html: paint(tokenize(row.step.content.lines[row.b]), null, state.query, state.use) + nodesSuffix(row.step.content, row.b)};
  }, index => { const row = list.rows[index]; go({view: "text", step: row.step.index}, row.b); });
  list.setRows(rows, [width]);
}

function showOverview() {
  list = null;
  const changed = steps.filter(step => step.changed && step.isModule), most = Math.max(1, ...changed.map(step => sum(step.ops)));
  const total = steps.reduce((ms, step) => ms + step.ms + step.verifyMs, 0), verify = steps.reduce((ms, step) => ms + step.verifyMs, 0);
  const passes = steps.filter(step => step.isModule && step.index > 0);
  element("head").innerHTML = `<h2>Overview</h2><span class="about">${passes.length} passes, ${changed.length - 1} of them changed the IR` +
    `${total ? `; ${formatMs(total)} ms` : ""}; ${data.names.length} node names</span>`;
  const phases = new Map();
  for (const step of passes) phases.set(step.phase, (phases.get(step.phase) || 0) + step.ms);
  const share = ms => `<td>${formatMs(ms)}</td><td>${total ? (100 * ms / total).toFixed(1) : 0} %</td>`;
  const slowest = [...passes].sort((x, y) => y.ms - x.ms).slice(0, 8);
  const others = steps.filter(step => !step.isModule);
  element("body").innerHTML = `<div class="overview"><h3>Ops after each step, by dialect</h3>
    <div class="legend">${dialects.map(dialect => `<span><span class="swatch" style="background:${hueOf(dialect)}"></span>${escapeText(dialect)}</span>`).join("")}</div>
    <div class="flow">${changed.map(step => `<a href="#view=diff&step=${step.index}"><span class="number">${step.number}</span><span class="name">${escapeText(step.pass)}</span>
      ${bar(step.ops, 100 * sum(step.ops) / most)}<span class="count">${sum(step.ops)}</span></a>`).join("")}</div>
    ${others.length ? `<h3>Code</h3>${others.map(step => `<div><a href="#view=text&step=${step.index}">${escapeText(step.file)}</a> <span class="about">${step.lines} lines</span></div>`).join("")}` : ""}
    ${total ? `<h3>Time</h3><table class="times"><tr><th>phase</th><th>ms</th><th>share</th></tr>
    ${[...phases].map(([phase, ms]) => `<tr><td>${escapeText(phase) || "(none)"}</td>${share(ms)}</tr>`).join("")}<tr><td>verifier</td>${share(verify)}</tr></table>
    <h3>Slowest passes</h3><table class="times"><tr><th>pass</th><th>ms</th><th>share</th></tr>
    ${slowest.map(step => `<tr><td><a href="#view=diff&step=${step.index}">${escapeText(step.pass)}</a></td>${share(step.ms)}</tr>`).join("")}</table>` : ""}</div>`;
}
