// State, navigation and keys. The state worth a link (view, step, node) is in the address.

function showSteps() {
  let html = "", phase = null;
  for (const step of steps) {
    if (!step.changed && !step.failed && !state.unchanged && step.index !== state.step) continue; // the chosen one always shows
    if (step.phase && step.phase !== phase) {
      const ms = steps.filter(other => other.phase === step.phase).reduce((total, other) => total + other.ms, 0);
      html += `<div class="phase"><span>${escapeText(step.phase)}</span><span>${ms ? formatMs(ms) + " ms" : ""}</span></div>`;
      phase = step.phase;
    }
    const before = previousOf(step), delta = step.changed && step.isModule && before ? sum(step.ops) - sum(before.ops) : 0;
    html += `<div class="step ${step.changed ? "" : "same"} ${step.failed ? "failed" : ""} ${step.index === state.step && state.view !== "overview" ? "now" : ""}" data-step="${step.index}" title="${escapeText(step.description)}">
      <span class="number">${step.number}</span><span class="name">${escapeText(step.isModule === false && step.file ? step.file.replace(/^\d+-/, "") : step.pass)}</span>
      <span class="delta">${delta ? signed(delta) : ""}</span><span class="ms">${step.ms ? formatMs(step.ms) + " ms" : step.lines && step.isModule === false ? step.lines + " lines" : ""}</span>${bar(step.ops, 100)}</div>`;
  }
  const side = element("side"), top = side.scrollTop;
  side.innerHTML = html;
  side.scrollTop = top;
  side.querySelectorAll(".step").forEach(row => row.onclick = () => go({view: state.view === "text" ? "text" : "diff", step: +row.dataset.step}));
  side.querySelector(".now")?.scrollIntoView({block: "nearest"});
}

let nodeFilter = "";
const shownNodes = () => data.names.map((name, id) => id).filter(id => data.names[id].toLowerCase().includes(nodeFilter));
function showNodeList() {
  const side = element("side");
  if (!element("node-filter")) {
    side.innerHTML = '<input id="node-filter" type="search" placeholder="Filter nodes" spellcheck="false"><div id="node-list"></div>';
    element("node-filter").value = nodeFilter;
    element("node-filter").oninput = event => { nodeFilter = event.target.value.toLowerCase(); showNodeList(); };
  }
  element("node-list").innerHTML = shownNodes().map(id =>
    `<div class="node ${id === state.node ? "now" : ""}" data-node="${id}" title="${escapeText(data.names[id])}">${escapeText(data.names[id])}</div>`).join("");
  side.querySelectorAll(".node").forEach(row => row.onclick = () => go({view: "node", node: +row.dataset.node}));
  side.querySelector(".now")?.scrollIntoView({block: "nearest"});
}

// Draws everything for the state; then shows `line` (of the new text), or the first match of the search.
async function refresh(line) {
  document.querySelectorAll("[data-view]").forEach(button => button.setAttribute("aria-pressed", button.dataset.view === state.view));
  document.querySelectorAll("[data-toggle]").forEach(button => button.setAttribute("aria-pressed", state[button.dataset.toggle]));
  closeDetail();
  document.body.dataset.shows = state.view;
  if (state.view === "node") showNodeList(); else showSteps();
  const step = steps[state.step];
  if (state.view === "overview" || !step) showOverview();
  else if (state.view === "diff") await showDiff(step);
  else if (state.view === "text") await showText(step);
  else await showNode(state.node);
  if (list && line !== undefined) pick(list.rows.findIndex(row => row.b === line));
  countHits();
}

function go(change, line) {
  Object.assign(state, change);
  const hash = `#view=${state.view}` + (state.view === "node" ? (state.node >= 0 ? `&node=${encodeURIComponent(data.names[state.node])}` : "") : `&step=${state.step}`);
  if (location.hash !== hash) history.pushState(null, "", hash);
  return refresh(line);
}

function readAddress() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const view = parts.get("view");
  state.view = ["overview", "diff", "text", "node"].includes(view) ? view : "overview";
  state.step = Math.min(Math.max(0, parseInt(parts.get("step")) || 0), steps.length - 1);
  state.node = data.names.indexOf(parts.get("node"));
  return refresh(parts.has("line") ? parts.get("line") - 1 : undefined);
}

// The panel for one line: its whole text, old and new, and the nodes that it comes from.
function pick(index) {
  if (!list || index < 0) return;
  list.picked = index;
  list.show(index);
}
function clickLine(index, column, event) {
  const row = list.rows[index], value = event.target.closest(".t-value");
  if (row.kind === "fold") return unfold(index);
  if (value) { state.use = state.use === value.textContent ? "" : value.textContent; return list.draw(); }
  pick(index);
  // In full: what the list shortens is here.
  const part = (content, line, cls, marks) => line >= 0 && content
    ? `<pre class="mono ${cls}">${paint(unshortened(tokenize(content.lines[line].trim())), marks, state.query)}</pre>` : "";
  const tokens = (content, line) => tokenize(content.lines[line].trim());
  const marks = row.pair ? markDifferences(row, tokens(shown.old, row.a), tokens(shown.now, row.b), shown.old.aliases, shown.now.aliases) : [null, null];
  const changed = row.kind === "changed";
  const sets = [row.b >= 0 ? shown.now.sets[row.b] : 0, row.a >= 0 && shown.old ? shown.old.sets[row.a] : 0];
  const nodes = [...new Set(sets.flatMap(set => data.sets[set]))];
  element("detail").hidden = false;
  element("detail").innerHTML = `<button class="close" title="Close (Esc)">✕</button>` +
    (changed || row.b < 0 ? part(shown.old, row.a, "row-del", marks[0]) : "") + part(shown.now, row.b, changed ? "row-add" : "", marks[1]) +
    `<div class="chips">${nodes.length ? "From ONNX: " : "No ONNX node."}${nodes.map(id => `<span class="chip" data-node="${id}">${escapeText(data.names[id])}</span>`).join("")}</div>`;
  element("detail").querySelector(".close").onclick = closeDetail;
  element("detail").querySelectorAll(".chip").forEach(chip => chip.onclick = () => go({view: "node", node: +chip.dataset.node}));
}
function closeDetail() {
  element("detail").hidden = true;
  if (list) { list.picked = -1; list.draw(); }
}

// Search goes over the lines of the rows; a match inside a fold unfolds it.
const rowHolds = row => row.kind !== "heading" && [[shown?.old, row.a], [row.step ? row.step.content : shown?.now, row.b]].some(([content, line]) =>
  content && line >= 0 && content.lines[line].toLowerCase().includes(state.query));
function countHits() {
  if (!list || !state.query) {
    list?.rows.forEach(row => row.hit = false);
    element("hits").textContent = "";
    if (list) { list.draw(); list.drawMap(); }
    return 0;
  }
  const open = list.rows.flatMap(row => row.kind === "fold" && row.rows && row.rows.some(rowHolds) ? row.rows : [row]);
  let count = 0;
  for (const row of open) count += row.hit = rowHolds(row);
  list.setRows(open);
  element("hits").textContent = count ? `${count} lines` : "no match";
  return count;
}
function search(text) {
  element("query").value = text;
  state.query = text.toLowerCase();
  const count = countHits();
  if (count) jump(1, true);
  return count;
}

// To the next row that is a match or, without a search, begins a change.
function jump(direction, fromTop) {
  if (!list) return;
  const rows = list.rows, wanted = i => state.query ? rows[i].hit : rows[i].kind === "changed" && rows[i - 1]?.kind !== "changed";
  let from = fromTop ? -1 : list.picked >= 0 ? list.picked : list.firstInSight() - (direction > 0 ? 1 : 0);
  for (let n = 1; n <= rows.length; n++) {
    const i = (((from + direction * n) % rows.length) + rows.length) % rows.length;
    if (wanted(i)) return pick(i);
  }
}
function neighbour(direction) {
  if (state.view === "node") {
    const ids = shownNodes(), at = ids.indexOf(state.node) + direction;
    if (ids[at] !== undefined) go({node: ids[at]});
    return;
  }
  let i = state.step + direction;
  while (steps[i] && !steps[i].changed && !steps[i].failed && !state.unchanged) i += direction;
  if (steps[i]) go({view: state.view === "overview" ? "diff" : state.view, step: i});
}
function toggle(name) {
  state[name] = !state[name];
  if (name === "unchanged" && state.view !== "node") showSteps();
  else if (name === "wrap") { list?.setRows(list.rows); list?.picked >= 0 && list.show(list.picked); }
  else list?.draw();
  refreshButtons();
}
const refreshButtons = () => document.querySelectorAll("[data-toggle]").forEach(button => button.setAttribute("aria-pressed", state[button.dataset.toggle]));

const keys = {
  j: () => neighbour(1), ArrowDown: () => neighbour(1), k: () => neighbour(-1), ArrowUp: () => neighbour(-1),
  n: () => jump(1), p: () => jump(-1), N: () => jump(-1),
  o: () => go({view: "overview"}), d: () => go({view: "diff"}), t: () => go({view: "text"}), g: () => go({view: "node"}),
  l: () => toggle("nodes"), w: () => toggle("wrap"), s: () => document.body.classList.toggle("wide"), f: () => element("functions")?.focus(), u: () => toggle("unchanged"), e: () => { state.unfolded = !state.unfolded; refresh(); },
  "/": () => element("query").focus(), "?": () => element("help").showModal(),
  Escape: () => { if (!element("detail").hidden) closeDetail(); else if (state.query) search(""); },
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || element("help").open) return;
  if (event.target.tagName === "SELECT") {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.target.tagName === "INPUT") {
    if (event.key === "Escape") event.target.blur();
    if (event.key === "Enter" && event.target.id === "query") jump(event.shiftKey ? -1 : 1);
    return;
  }
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});
element("query").oninput = event => search(event.target.value);
element("help-button").onclick = () => element("help").showModal();
document.querySelectorAll("[data-view]").forEach(button => button.onclick = () => go({view: button.dataset.view}));
document.querySelectorAll("[data-toggle]").forEach(button => button.onclick = () => toggle(button.dataset.toggle));
window.addEventListener("hashchange", readAddress);

function start() {
  readData();
  document.title = `${data.title} · Lathe IR dump`;
  element("title").innerHTML = `${escapeText(data.title)} <small>${steps.filter(step => step.changed).length} dumps</small>`;
  readAddress();
}
