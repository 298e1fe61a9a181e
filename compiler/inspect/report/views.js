// The four views. Each sets #head and #body; those with lines leave a RowList in `list`.

const element = id => document.getElementById(id);
let data = null, steps = [];

// The steps as they were appended to the page; the compiler may have been killed while it wrote the last one.
function readData() {
  data = {...JSON.parse(element("about").textContent), names: [], sets: []};
  for (const script of document.querySelectorAll("script.record")) {
    let step;
    try { step = JSON.parse(script.textContent); } catch { continue; }
    for (const name of step.names || []) data.names.push(name);
    for (const set of step.sets || []) data.sets.push(set);
    steps[step.index] = step; // what was running is replaced by what came of it
  }
  steps.forEach(step => { step.changed = step.file !== ""; step.number = step.changed ? step.file.split("-")[0] : ""; step.failed ||= !!step.running; });
  for (const step of steps) for (const op of Object.keys(step.ops || {})) if (!dialects.includes(dialectOf(op))) dialects.push(dialectOf(op));
}

const dialectOf = op => op.includes(".") ? op.slice(0, op.indexOf(".")) : "builtin";
const sum = counts => Object.values(counts || {}).reduce((total, count) => total + count, 0);
const previousOf = step => { let i = step.index - 1; while (i >= 0 && !(steps[i].changed && steps[i].isModule)) i--; return steps[i]; };
const formatMs = ms => ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);
const signed = n => n > 0 ? `<span class="more">+${n}</span>` : `<span class="less">−${-n}</span>`;
const label = step => `${step.number} ${step.pass}`;

// Dialects in the order in which a compilation meets them, each with a colour of its own.
const dialects = [];
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

const state = {view: "overview", step: 0, node: -1, nodes: false, unchanged: false, wrap: false, query: "", use: "", unfolded: false};
let list = null, shown = null; // `shown`: what the rows of `list` index: {old, now}

function nodesSuffix(content, line) {
  const names = state.nodes && content.sets[line] ? data.sets[content.sets[line]].map(id => data.names[id]) : [];
  if (!names.length) return "";
  const some = names.slice(0, 6).join(", ") + (names.length > 6 ? `, … ${names.length} in all` : "");
  return `<span class="nodes">⟵ ${escapeText(some)}</span>`;
}

// [op, change] of a step, the largest first.
function changesOf(step) {
  const before = previousOf(step);
  if (!step.isModule || !before || !step.changed) return [];
  const counts = step.ops, old = before.ops;
  return [...new Set([...Object.keys(counts), ...Object.keys(old)])].map(op => [op, (counts[op] || 0) - (old[op] || 0)])
    .filter(entry => entry[1]).sort((x, y) => Math.abs(y[1]) - Math.abs(x[1]));
}
const chip = ([op, change], title) => `<span class="chip" data-op="${escapeText(op)}" title="${escapeText(title)}">` +
  `<span class="swatch small" style="background:${hueOf(dialectOf(op))}"></span>${escapeText(op)} <b>${signed(change)}</b></span>`;

function stepHead(step) {
  const before = previousOf(step), counts = step.ops || {}, old = before ? before.ops : {}, facts = [];
  if (step.file) facts.push(`<a href="${encodeURIComponent(step.file)}">${escapeText(step.file)}</a>`, `${step.lines} lines`);
  if (step.ms) facts.push(`${formatMs(step.ms)} ms` + (step.verifyMs ? ` + ${formatMs(step.verifyMs)} ms verifying` : ""));
  if (step.changed && step.isModule) facts.push(before ? `${sum(old)} → ${sum(counts)} ops` : `${sum(counts)} ops`);
  if (step.running) facts.push('<b class="less">the compiler crashed here, or was stopped</b>');
  else if (step.failed) facts.push('<b class="less">this pass failed</b>');
  element("head").innerHTML = `<h2>${escapeText(step.pass)}</h2><span class="about">${escapeText(step.description)}</span>
    ${step.reason ? `<div class="about">Why here: ${escapeText(step.reason)}</div>` : ""}
    ${step.options && step.options !== step.pass ? `<div class="about mono">${escapeText(step.options)}</div>` : ""}
    <div class="facts">${facts.map(fact => `<span>${fact}</span>`).join("")}<span id="tally"></span><select id="functions" title="Go to a function (f)" hidden></select></div>
    <div class="chips">${changesOf(step).map(change => chip(change, `${old[change[0]] || 0} → ${counts[change[0]] || 0}; click to search`)).join("")}</div>`;
  element("head").querySelectorAll(".chip").forEach(chip => chip.onclick = () => {
    // Inside a function, ops of its dialect are printed without the prefix.
    if (!search(chip.dataset.op)) search(chip.dataset.op.replace(/^\w+\./, ""));
  });
}

// [name, line] of the functions that a text defines: MLIR, LLVM IR, assembly.
function functionsOf(content) {
  const found = [];
  content.lines.forEach((line, at) => {
    const name = /^\s*(?:llvm\.func|func\.func|gpu\.func|nn\.plan).*?@("[^"]*"|[\w$.-]+)/.exec(line) || /^define .*?@("[^"]*"|[\w$.-]+)/.exec(line) ||
      (/^(?!\.)("[^"]*"|[\w$.+-]+):/.exec(line));
    if (name) found.push([name[1].replace(/^"|"$/g, ""), at]);
  });
  return found;
}

// The list of functions, where there are several; `changes` counts by line of the new text.
function showFunctions(content, changes) {
  const functions = functionsOf(content), select = element("functions");
  select.hidden = functions.length < 2;
  const count = i => { let n = 0; for (let at = functions[i][1]; at < (functions[i + 1]?.[1] ?? content.lines.length); at++) n += changes[at] || 0; return n; };
  select.innerHTML = `<option>${functions.length} functions</option>` + functions.map(([name, line], i) => {
    const n = changes ? count(i) : 0;
    return `<option value="${line}">${escapeText(name)}${changes ? n ? ` (${n} changed)` : " (unchanged)" : ""}</option>`;
  }).join("");
  select.onchange = () => { showLine(+select.value); select.blur(); };
}

// Brings a line of the new text into sight, out of a fold if need be.
function showLine(line) {
  const at = list.rows.findIndex(row => row.kind === "fold" && row.rows ? row.rows.some(hidden => hidden.b === line) : row.b === line);
  if (at < 0) return;
  if (list.rows[at].kind === "fold") unfold(at);
  pick(list.rows.findIndex(row => row.b === line));
}
function unfold(index) {
  const at = list.scroller.scrollTop;
  list.rows.splice(index, 1, ...list.rows[index].rows);
  list.setRows(list.rows);
  list.scroller.scrollTop = at;
}

// How many lines a text takes, and its HTML, in `room` characters a line; unbroken where it is not to be wrapped.
const heightOf = (line, room) => line.length <= room ? 1 : wrapPoints(shownText(line), room).length + 1;
function htmlOf(line, marks, room, wrap) {
  let tokens = tokenize(line);
  if (wrap && line.length > room) {
    const shown = tokens.map(token => token[0]).join("");
    ({tokens, marks} = wrapTokens(tokens, marks, wrapPoints(shown, room), hangOf(shown)));
  }
  return paint(tokens, marks, state.query, state.use);
}

const nothing = text => { list = null; element("body").innerHTML = `<div class="empty">${text}</div>`; };

// Words to mark in the two lines of a row, of which each may belong to a line elsewhere.
function marksOf(row, column) {
  const {old, now} = shown, marks = (a, b, pair) => markDifferences(pair, tokenize(old.lines[a]), tokenize(now.lines[b]), old.aliases, now.aliases);
  if (row.pair) return (row.marks ||= marks(row.a, row.b, row))[column];
  if (!column && row.now >= 0) return (row.marksNow ||= marks(row.a, row.now, {}))[0];
  if (column && row.was >= 0) return (row.marksWas ||= marks(row.was, row.b, {}))[1];
  return null;
}

async function showDiff(step) {
  stepHead(step);
  if (step.running) return nothing("The compiler did not come back from here; what it had done is not dumped. The reproducer that it left replays it.");
  if (!step.changed) return nothing(step.failed ? "This failed; what it left is not dumped." : step.isModule ? "This pass changed nothing." : "This leaves no text.");
  const before = previousOf(step);
  if (!before || !step.isModule) return showText(step);
  const [old, now] = await Promise.all([load(before), load(step)]);
  if (state.view !== "diff" || steps[state.step] !== step) return; // another one was chosen meanwhile
  if (!step.rows && old.lines.length + now.lines.length > 20000) {
    nothing("Comparing…");
    await new Promise(drawn => setTimeout(drawn, 30));
  }
  step.rows ||= diffRows(old.lines, now.lines);
  shown = {old, now, step};
  const wraps = row => state.wrap || row.kind === "changed" && !row.operands;
  const lines = (row, room) => row.kind === "fold" || !wraps(row) ? 1
    : Math.max(row.a >= 0 ? heightOf(old.lines[row.a], room) : 1, row.b >= 0 ? heightOf(now.lines[row.b], room) : 1);
  const render = (row, column, room) => {
    if (row.constants) return (row.rows[0].a < 0) === !!column ? {cls: `fold ${column ? "add" : "del"}`, gutter: "⋯", html: `${row.rows.length} constants ${column ? "added" : "removed"}`} : {cls: "none", gutter: "", html: ""};
    if (row.kind === "fold") return {cls: "fold", gutter: "⋯", html: column ? "" : foldText(row, old)};
    const content = column ? now : old, line = column ? row.b : row.a;
    if (line < 0) return {cls: "none", gutter: "", html: ""};
    const cls = row.operands ? "rewired" : row.kind === "changed" ? (column ? "add" : "del") : row.kind;
    return {cls, gutter: line + 1, html: htmlOf(content.lines[line], marksOf(row, column), room, wraps(row)) + nodesSuffix(content, line)};
  };
  list = new RowList(element("body"), 2, render, lines, clickLine);
  list.setRows(state.unfolded ? [...step.rows] : foldRows(step.rows, old.lines, now.lines), [old.width, now.width]);
  const changes = {}, tally = {add: 0, del: 0, rewired: 0};
  for (const row of step.rows) {
    if (row.kind !== "changed") continue;
    if (row.operands) tally.rewired++;
    else { tally.add += row.b >= 0; tally.del += row.a >= 0; }
    if (row.b >= 0) changes[row.b] = 1;
  }
  element("tally").innerHTML = `lines ${signed(tally.add)} ${tally.del ? signed(-tally.del) : ""}${tally.rewired ? ` <span class="rewired-count">${tally.rewired} with other operands</span>` : ""}`;
  showFunctions(now, changes);
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
  list = new RowList(element("body"), 1, (row, column, room) => ({cls: "", gutter: row.b + 1,
    html: htmlOf(now.lines[row.b], null, room, state.wrap) + nodesSuffix(now, row.b)}), (row, room) => state.wrap ? heightOf(now.lines[row.b], room) : 1, clickLine);
  list.setRows(now.lines.map((line, b) => ({kind: "text", a: -1, b})), [now.width]);
  showFunctions(now, null);
}

// All steps in which a node's lines differ from those of the step before; the others only say so.
async function showNode(node) {
  const name = data.names[node];
  element("head").innerHTML = name === undefined ? "<h2>Nodes</h2>"
    : `<h2>${escapeText(name)}</h2><span class="about">every line that comes from this ONNX node, step by step</span>`;
  if (name === undefined) return nothing(data.names.length ? "Choose an ONNX node on the left." : "The IR carries no node names.");
  const holds = data.sets.map(set => set.includes(node)), rows = [];
  let last = null, lastContent = null, lastLines = [], width = 0;
  for (const step of steps.filter(step => step.changed)) {
    const content = await load(step);
    if (state.view !== "node" || state.node !== node) return;
    const lines = [], heading = text => rows.push({kind: "heading", step, text});
    content.sets.forEach((set, line) => { if (holds[set]) lines.push(line); });
    const keys = lines.map(line => lineKey(content.lines[line], content.aliases).trim()), key = keys.join("\n");
    if (key === last) {
      const above = rows[rows.length - 1];
      if (above.same) above.same.push(step); else rows.push({kind: "heading", step, same: [step]});
      continue;
    }
    heading(lines.length ? `${lines.length} line${lines.length === 1 ? "" : "s"}` : "nothing is left of it");
    // What is new since the last step, and what a line of its kind had been.
    const before = new Map();
    lastLines.forEach(line => { const key = lineKey(lastContent.lines[line], lastContent.aliases).trim(); before.set(key, [...(before.get(key) || []), line]); });
    const isNew = keys.map(key => !before.get(key)?.shift());
    const gone = [...before.values()].flat().sort((x, y) => x - y);
    const limit = state.unfolded ? Infinity : 24, constants = lines.length > limit && step.isModule ? lines.filter(line => /= [\w.]*constant/.test(content.lines[line])) : [];
    let shownLines = 0;
    lines.forEach((line, at) => {
      if (constants.includes(line) || shownLines >= limit) return;
      const kind = kindOf(content.lines[line]), from = isNew[at] ? gone.findIndex(old => kindOf(lastContent.lines[old]) === kind) : -1;
      rows.push({kind: "text", step, b: line, isNew: last !== null && isNew[at] && step.isModule,
        old: from < 0 ? null : lastContent.lines[gone.splice(from, 1)[0]], aliases: lastContent?.aliases});
      shownLines++;
      width = Math.max(width, content.lines[line].length);
    });
    const more = lines.length - shownLines;
    if (more) rows.push({kind: "fold", step, b: lines.find((line, at) => at >= limit) ?? lines[0], text: `${more} more lines${constants.length ? `, ${constants.length} of them constants` : ""} (click for the whole text, e unfolds here)`});
    last = key; lastContent = content; lastLines = lines;
  }
  const isLine = row => row.kind === "text";
  list = new RowList(element("body"), 1, (row, column, room) => {
    if (row.same) return {cls: "heading same", gutter: row.step.number, html: `${row.same.map(step => escapeText(step.pass)).join(", ")}  <small>same lines</small>`};
    if (row.kind === "heading") return {cls: "heading", gutter: row.step.number, html: `${escapeText(row.step.isModule ? row.step.pass : row.step.file.replace(/^\d+-/, ""))}  <small>${row.step.phase && row.step.phase !== row.step.pass ? escapeText(row.step.phase) + " · " : ""}${row.text}</small>`};
    if (row.kind === "fold") return {cls: "fold", gutter: "⋯", html: row.text};
    const line = row.step.content.lines[row.b];
    const marks = row.old === null ? null : markDifferences({}, tokenize(row.old), tokenize(line), row.aliases, row.step.content.aliases)[1];
    return {cls: row.isNew ? "add" : "", gutter: row.b + 1, html: htmlOf(line, marks, room, true) + nodesSuffix(row.step.content, row.b)};
  }, (row, room) => isLine(row) ? heightOf(row.step.content.lines[row.b], room) : 1,
  index => { const row = list.rows[index]; go({view: row.kind === "heading" ? "diff" : "text", step: row.step.index}, row.b); });
  list.setRows(rows, [width]);
}

// What each pass did, by phase: its purpose, the operations that appeared and vanished, how many there are now, its time.
function showOverview() {
  list = null;
  const modules = steps.filter(step => step.changed && step.isModule), most = Math.sqrt(Math.max(1, ...modules.map(step => sum(step.ops))));
  const total = steps.reduce((ms, step) => ms + step.ms + step.verifyMs, 0), verify = steps.reduce((ms, step) => ms + step.verifyMs, 0);
  const passes = steps.filter(step => step.isModule !== false && step.index > 0), failed = steps.find(step => step.failed);
  element("head").innerHTML = `<h2>Overview</h2><span class="about">${passes.length} passes, ${modules.length - 1} of them changed the IR` +
    `${total ? `; ${formatMs(total)} ms` : ""}; ${data.names.length} node names</span>` +
    (failed ? ` <b class="less">${failed.running ? "did not come back from" : "failed in"} ${escapeText(failed.pass)}</b>` : "");
  const phases = [];
  for (const step of steps) {
    if (phases[phases.length - 1]?.name !== step.phase) phases.push({name: step.phase, steps: [], ms: 0});
    phases[phases.length - 1].steps.push(step);
    phases[phases.length - 1].ms += step.ms;
  }
  const colourOf = index => `hsl(${(index * 47 + 205) % 360} 45% 58%)`;
  const timeBar = total ? `<div class="time">${[...phases.map(phase => [phase.name || phase.steps[0].pass, phase.ms]), ["verifier", verify]].filter(part => part[1] > 0).map(([name, ms], i) =>
    `<i style="flex:${ms};background:${colourOf(i)}" title="${escapeText(name)}: ${formatMs(ms)} ms, ${(100 * ms / total).toFixed(1)} %">${ms > total / 12 ? `<span>${escapeText(name)} ${formatMs(ms)} ms</span>` : ""}</i>`).join("")}</div>` : "";
  const row = step => {
    const before = previousOf(step), change = step.isModule && step.changed && before ? sum(step.ops) - sum(before.ops) : 0, changes = changesOf(step);
    const name = step.isModule === false && step.file ? step.file.replace(/^\d+-/, "") : step.pass;
    // A pass that runs at several places says more by why it runs here.
    const purpose = steps.some(other => other !== step && other.pass === step.pass) && step.reason || step.description;
    const what = [purpose ? `<span class="about">${escapeText(purpose)}</span>` : "", changes.slice(0, 5).map(entry => chip(entry, "")).join(""),
      changes.length > 5 ? `<span class="about">+ ${changes.length - 5} more</span>` : "", step.isModule && step.changed && before && !changes.length ? '<span class="about">(the same operations)</span>' : "",
      step.failed ? `<b class="less">${step.running ? "the compiler crashed here, or was stopped" : "failed"}</b>` : ""].filter(Boolean).join(" ");
    return `<a class="row-link" href="#view=${step.isModule ? "diff" : "text"}&step=${step.index}"><span class="number">${step.number}</span><span class="name">${escapeText(name)}</span>
      <span class="what">${what}</span><span class="ops">${step.isModule && step.changed ? bar(step.ops, Math.max(3, 100 * Math.sqrt(sum(step.ops)) / most)) : ""}</span>
      <span class="count">${step.isModule && step.changed ? sum(step.ops) : step.lines ? `${step.lines} lines` : ""}</span><span class="change">${change ? signed(change) : ""}</span>
      <span class="ms">${step.ms ? formatMs(step.ms) + " ms" : ""}</span></a>`;
  };
  const section = phase => {
    const quiet = phase.steps.filter(step => !step.changed && !step.failed && step.isModule !== false);
    return `<div class="phase-head"><b>${escapeText(phase.name || "input")}</b> <span class="about">${escapeText(data.phases[phase.name] || "")}</span><span class="phase-ms">${phase.ms ? formatMs(phase.ms) + " ms" : ""}</span></div>` +
      phase.steps.filter(step => !quiet.includes(step)).map(row).join("") +
      (quiet.length ? `<div class="quiet">changed nothing: ${quiet.map(step => `<a href="#view=diff&step=${step.index}" title="${escapeText(step.reason)}">${escapeText(step.pass)}</a>`).join(", ")}</div>` : "");
  };
  const slowest = [...passes].sort((x, y) => y.ms - x.ms).slice(0, 5).filter(step => step.ms > 0);
  element("body").innerHTML = `<div class="overview">${timeBar}
    ${slowest.length ? `<div class="quiet">slowest passes: ${slowest.map(step => `<a href="#view=diff&step=${step.index}">${escapeText(step.pass)}</a> ${formatMs(step.ms)} ms`).join(", ")}</div>` : ""}
    <div class="legend">${dialects.map(dialect => `<span><span class="swatch" style="background:${hueOf(dialect)}"></span>${escapeText(dialect)}</span>`).join("")}
      <span class="about">operations by dialect; bars grow with the square root of their number</span></div>
    <div class="flow">${phases.map(section).join("")}</div></div>`;
}
