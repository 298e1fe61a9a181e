// Colours for a line of IR, and a list that shows tens of thousands of them: only the rows in sight exist.

const escapeText = text => text.replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[c]);

const tokenPattern = new RegExp([
  /("(?:[^"\\]|\\.)*")/,                                                          // string
  /(\/\/.*$|(?<![^\s])[;#] .*$|^;.*$)/,                                           // comment: of MLIR, LLVM IR, assembly
  /(dense_resource<__elided__>)/,                                                 // constant
  /(%[\w$.#-]+)/,                                                                 // value
  /(@[\w$.-]+)/,                                                                  // symbol
  /([#!][\w$.-]+|\^\w+)/,                                                         // attr
  /(\b(?:tensor|memref|vector|index|none|i\d+|[su]i\d+|b?f\d+|(?:[\d?]+x)+[\w?]*)\b)/, // type
  /(^\t\.\w+|^\.L\w+:?)/,                                                         // directive
  /(^\t[a-z]\w*|(?<==\s)[a-z]\w*(?=\s)|^ {2}(?:store|br|ret|call|switch)\b|\b[a-z_]\w*(?:\.\w+)+)/, // op: mnemonics, instructions, names with a dot
  /(-?\b\d[\w.+]*)/,                                                              // number
].map(part => part.source).join("|"), "g");
const tokenClasses = ["string", "comment", "constant", "value", "symbol", "attr", "type", "comment", "op", "number"];

// What a reader need not see of a token: hashes, and constants that the compiler left out.
function shortened(text, kind) {
  if (kind === "string" && /^"[0-9a-f]{32,}"$/.test(text)) return text.slice(0, 9) + "…\"";
  if (kind === "string" && text.length > 120) return text.slice(0, 60) + "…\"";
  if (kind === "constant") return "dense<…>";
  return text;
}

// [text, class, full text where the first is shortened] of the pieces of a line; what is between the coloured ones is split into words, for comparing.
function tokenize(line) {
  const tokens = [];
  const plain = text => { for (const word of text.match(/\w+|\s+|[^\w\s]/g) || []) tokens.push([word, ""]); };
  let last = 0;
  tokenPattern.lastIndex = 0;
  for (let found; (found = tokenPattern.exec(line));) {
    plain(line.slice(last, found.index));
    const kind = tokenClasses[found.slice(1).findIndex(group => group !== undefined)], short = shortened(found[0], kind);
    tokens.push(short === found[0] ? [short, kind] : [short, kind, found[0]]);
    last = tokenPattern.lastIndex;
  }
  plain(line.slice(last));
  return tokens;
}
const fullText = token => token[2] ?? token[0];
const unshortened = tokens => tokens.map(token => [fullText(token), token[1]]);
const shownText = line => line.length < 30 ? line : line.replace(tokenPattern, (found, ...groups) => shortened(found, tokenClasses[groups.findIndex(group => group !== undefined)]));

// Where a text of fixed-width characters is broken into lines of `columns`: after a blank if there is one in the last third. What follows the first
// line is indented further than the line itself.
const hangOf = text => Math.min(text.search(/\S|$/) + 6, 24);
function wrapPoints(text, columns) {
  const points = [], hang = hangOf(text);
  for (let start = 0, room = columns; text.length - start > room && points.length < 60; room = columns - hang) {
    const blank = text.lastIndexOf(" ", start + room);
    start = blank > start + room * 2 / 3 ? blank + 1 : start + room;
    points.push(start);
  }
  return points;
}

// The same tokens and marks with line breaks at the points; tokens across one are cut.
function wrapTokens(tokens, marks, points, hang) {
  const out = [], outMarks = marks && [];
  let offset = 0, next = 0;
  tokens.forEach((token, index) => {
    let [text, kind, full] = token;
    const emit = (piece, cls) => { out.push([piece, cls, full]); if (marks) outMarks.push(marks[index]); };
    while (next < points.length && points[next] <= offset + text.length) {
      const cut = points[next++] - offset;
      if (cut) emit(text.slice(0, cut), kind);
      emit("\n" + " ".repeat(hang), "");
      text = text.slice(cut);
      offset += cut;
    }
    if (text) emit(text, kind);
    offset += text.length;
  });
  return {tokens: out, marks: outMarks};
}

// HTML of tokens; `marks` are those to show as changed words, `query` is marked wherever it occurs.
function paint(tokens, marks, query, use) {
  const hits = [];
  if (query) {
    const line = tokens.map(token => token[0]).join("").toLowerCase();
    for (let at = line.indexOf(query); at >= 0; at = line.indexOf(query, at + query.length)) hits.push([at, at + query.length]);
  }
  let html = "", offset = 0, hit = 0, word = false;
  tokens.forEach(([text, kind, full], index) => {
    const blank = !text.trim();
    const marked = marks && marks[index] && !(blank && (!word || text[0] === "\n"));
    if (marked !== word) { html += marked ? '<span class="word">' : word ? "</span>" : ""; word = marked; }
    let body = "", from = 0;
    while (hit < hits.length && hits[hit][0] < offset + text.length) {
      const start = Math.max(hits[hit][0] - offset, from), end = Math.min(hits[hit][1] - offset, text.length);
      body += escapeText(text.slice(from, start)) + "<mark>" + escapeText(text.slice(start, end)) + "</mark>";
      from = end;
      if (hits[hit][1] > offset + text.length) break;
      hit++;
    }
    body += escapeText(text.slice(from));
    html += kind ? `<span class="t-${kind}${use && kind === "value" && text === use ? " use" : ""}"${full ? ` title="${escapeText(full.length > 400 ? full.slice(0, 400) + "…" : full)}"` : ""}>${body}</span>` : body;
    offset += text.length;
  });
  return html + (word ? "</span>" : "");
}

const rowHeight = 18, gutterWidth = 68;
let characterWidth = 0;

class RowList {
  // `columns` panes; `render(row, column, room)` gives {cls, gutter, html}; `lines(row, room)` how many lines of `room` characters the row takes;
  // `onClick(row index, column, event)`.
  constructor(host, columns, render, lines, onClick) {
    Object.assign(this, {columns, render, lines, rows: [], picked: -1, room: 0});
    host.innerHTML = '<div class="scroller" tabindex="0"><div class="window"></div><div class="spacer"></div></div>';
    this.scroller = host.firstChild;
    this.window = this.scroller.firstChild;
    this.spacer = this.scroller.lastChild;
    this.panes = [];
    for (let column = 0; column < columns; column++) {
      const pane = document.createElement("div");
      pane.className = "pane";
      pane.innerHTML = '<div class="rows"></div>';
      pane.addEventListener("click", event => {
        const row = event.target.closest(".row");
        if (row && !String(window.getSelection())) onClick(+row.dataset.row, column, event);
      });
      pane.addEventListener("scroll", () => this.panes.forEach(other => {
        if (other !== pane && other.scrollLeft !== pane.scrollLeft) other.scrollLeft = pane.scrollLeft;
      }));
      this.window.append(pane);
      this.panes.push(pane);
    }
    this.map = document.createElement("canvas");
    this.map.className = "map";
    this.map.addEventListener("click", event => this.show(this.rowAt(event.offsetY / this.map.clientHeight * this.total())));
    this.window.append(this.map);
    this.scroller.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => { this.measure(); this.draw(); this.drawMap(); }).observe(this.scroller);
  }

  setRows(rows, widths) {
    this.rows = rows;
    if (widths) this.panes.forEach((pane, column) => pane.firstChild.style.width = `calc(${Math.min(widths[column], 4000) + 4}ch + 80px)`);
    this.room = 0;
    this.measure();
    this.draw();
    this.drawMap();
  }

  // starts[i] is the number of lines above row i. Keeps the row that stands on top in place.
  measure() {
    if (!characterWidth) {
      const probe = document.createElement("span");
      probe.textContent = "0".repeat(100);
      this.panes[0].firstChild.append(probe);
      characterWidth = probe.getBoundingClientRect().width / 100;
      probe.remove();
    }
    const room = Math.max(30, Math.floor((this.panes[0].clientWidth - gutterWidth - 14) / characterWidth));
    if (room === this.room) return;
    const first = this.starts && this.room ? this.firstInSight() : -1;
    this.room = room;
    this.starts = new Float64Array(this.rows.length + 1);
    for (let i = 0; i < this.rows.length; i++) this.starts[i + 1] = this.starts[i] + this.lines(this.rows[i], room);
    this.spacer.style.height = `${this.total() * rowHeight}px`;
    if (first > 0) this.scroller.scrollTop = this.starts[first] * rowHeight;
  }
  total() { return this.starts[this.rows.length]; }
  rowAt(line) {
    let low = 0, high = Math.max(0, this.rows.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= line) low = middle; else high = middle - 1;
    }
    return low;
  }

  // The window is as tall as the scroller and stands before the spacer: pulled up by its height, it adds nothing to the scrolled height.
  draw() {
    const height = this.scroller.clientHeight;
    this.spacer.style.marginTop = `${-height}px`;
    const top = this.scroller.scrollTop, first = this.rowAt(top / rowHeight), end = (top + height) / rowHeight;
    for (let column = 0; column < this.columns; column++) {
      let html = "";
      for (let i = first; i < this.rows.length && this.starts[i] < end; i++) {
        const {cls, gutter, html: text} = this.render(this.rows[i], column, this.room);
        html += `<div class="row ${cls}${i === this.picked ? " picked" : ""}" data-row="${i}" style="height:${(this.starts[i + 1] - this.starts[i]) * rowHeight}px">` +
          `<span class="gutter">${gutter}</span><span class="line">${text}</span></div>`;
      }
      const body = this.panes[column].firstChild;
      body.innerHTML = html;
      body.style.transform = `translateY(${(this.starts[first] || 0) * rowHeight - top}px)`;
    }
  }

  drawMap() {
    const height = this.map.clientHeight, context = this.map.getContext("2d"), style = getComputedStyle(document.body);
    this.map.width = 12;
    this.map.height = height;
    this.map.hidden = !this.rows.some(row => row.kind === "changed" || row.hit);
    const scale = height / Math.max(this.total(), height / rowHeight);
    const colours = Object.fromEntries(["--rewired-word", "--del-word", "--add-word", "--accent"].map(name => [name, style.getPropertyValue(name)]));
    this.rows.forEach((row, i) => {
      const bar = (colour, x, width) => {
        context.fillStyle = colours[colour];
        context.fillRect(x, this.starts[i] * scale, width, Math.max((this.starts[i + 1] - this.starts[i]) * scale, 2));
      };
      if (row.operands) bar("--rewired-word", 0, 12);
      else if (row.kind === "changed") {
        if (row.a >= 0) bar("--del-word", 0, 6);
        if (row.b >= 0) bar("--add-word", 6, 6);
      }
      if (row.hit) bar("--accent", 2, 8);
    });
  }

  // Scrolls so that the row stands in the upper third.
  show(index) {
    const height = this.scroller.clientHeight, at = this.starts[index] * rowHeight, top = this.scroller.scrollTop;
    if (at < top || at > top + height - 3 * rowHeight) this.scroller.scrollTop = at - height / 3;
    this.draw();
  }
  firstInSight() { return this.rowAt(Math.ceil(this.scroller.scrollTop / rowHeight)); }
}
