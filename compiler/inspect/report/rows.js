// Colours for a line of IR, and a list that shows tens of thousands of them: only the rows in sight exist.

const escapeText = text => text.replace(/[&<>"]/g, c => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[c]);

const tokenPattern = new RegExp([
  /("(?:[^"\\]|\\.)*")/,                                                          // string
  /(\/\/.*$|^\s*;.*$)/,                                                           // comment
  /(%[\w$.#-]+)/,                                                                 // value
  /(@[\w$.-]+)/,                                                                  // symbol
  /([#!][\w$.-]+|\^\w+)/,                                                         // attr
  /(\b(?:tensor|memref|vector|index|none|i\d+|[su]i\d+|b?f\d+|(?:[\d?]+x)+[\w?]*)\b)/, // type
  /(\b[a-z_]\w*(?:\.\w+)+)/,                                                      // op
  /(-?\b\d[\w.+]*)/,                                                              // number
].map(part => part.source).join("|"), "g");
const tokenClasses = ["string", "comment", "value", "symbol", "attr", "type", "op", "number"];

// [text, class] pieces of a line; what is between the coloured ones is split into words, for comparing.
function tokenize(line) {
  const tokens = [];
  const plain = text => { for (const word of text.match(/\w+|\s+|[^\w\s]/g) || []) tokens.push([word, ""]); };
  let last = 0;
  tokenPattern.lastIndex = 0;
  for (let found; (found = tokenPattern.exec(line));) {
    plain(line.slice(last, found.index));
    tokens.push([found[0], tokenClasses[found.slice(1).findIndex(group => group !== undefined)]]);
    last = tokenPattern.lastIndex;
  }
  plain(line.slice(last));
  return tokens;
}

// HTML of tokens; `marks` are those to show as changed words, `query` is marked wherever it occurs.
function paint(tokens, marks, query, use) {
  const hits = [];
  if (query) {
    const line = tokens.map(token => token[0]).join("").toLowerCase();
    for (let at = line.indexOf(query); at >= 0; at = line.indexOf(query, at + query.length)) hits.push([at, at + query.length]);
  }
  let html = "", offset = 0, hit = 0, word = false;
  tokens.forEach(([text, kind], index) => {
    const blank = !text.trim();
    const marked = marks && marks[index] && !(blank && !word);
    if (marked !== word) { html += marked ? '<span class="word">' : "</span>"; word = marked; }
    let body = "", from = 0;
    while (hit < hits.length && hits[hit][0] < offset + text.length) {
      const start = Math.max(hits[hit][0] - offset, from), end = Math.min(hits[hit][1] - offset, text.length);
      body += escapeText(text.slice(from, start)) + "<mark>" + escapeText(text.slice(start, end)) + "</mark>";
      from = end;
      if (hits[hit][1] > offset + text.length) break;
      hit++;
    }
    body += escapeText(text.slice(from));
    html += kind ? `<span class="t-${kind}${use && kind === "value" && text === use ? " use" : ""}">${body}</span>` : body;
    offset += text.length;
  });
  return html + (word ? "</span>" : "");
}

const rowHeight = 18;

class RowList {
  // `columns` panes; `render(row, column)` gives {cls, gutter, html} or null; `onClick(row index, column, event)`.
  constructor(host, columns, render, onClick) {
    Object.assign(this, {columns, render, rows: [], picked: -1});
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
    this.map.addEventListener("click", event => this.show(Math.floor(event.offsetY / this.map.clientHeight * this.rows.length)));
    this.window.append(this.map);
    this.scroller.addEventListener("scroll", () => this.draw());
    new ResizeObserver(() => { this.draw(); this.drawMap(); }).observe(this.scroller);
  }

  setRows(rows, widths) {
    this.rows = rows;
    this.panes.forEach((pane, column) => pane.firstChild.style.width = `calc(${Math.min(widths[column], 4000) + 4}ch + 80px)`);
    this.spacer.style.height = `${rows.length * rowHeight}px`;
    this.draw();
    this.drawMap();
  }

  // The window is as tall as the scroller and stands before the spacer: pulled up by its height, it adds nothing to the scrolled height.
  draw() {
    const height = this.scroller.clientHeight;
    this.spacer.style.marginTop = `${-height}px`;
    const top = this.scroller.scrollTop, first = Math.floor(top / rowHeight);
    const last = Math.min(this.rows.length, first + Math.ceil(height / rowHeight) + 1);
    for (let column = 0; column < this.columns; column++) {
      let html = "";
      for (let i = first; i < last; i++) {
        const {cls, gutter, html: text} = this.render(this.rows[i], column);
        html += `<div class="row ${cls}${i === this.picked ? " picked" : ""}" data-row="${i}"><span class="gutter">${gutter}</span>${text}</div>`;
      }
      const body = this.panes[column].firstChild;
      body.innerHTML = html;
      body.style.transform = `translateY(${first * rowHeight - top}px)`;
    }
  }

  drawMap() {
    const height = this.map.clientHeight, context = this.map.getContext("2d"), style = getComputedStyle(document.body);
    this.map.width = 12;
    this.map.height = height;
    this.map.hidden = !this.rows.some(row => row.kind === "changed" || row.hit);
    const scale = height / Math.max(this.rows.length, height / rowHeight);
    this.rows.forEach((row, i) => {
      const bar = (colour, x, width) => { context.fillStyle = style.getPropertyValue(colour); context.fillRect(x, i * scale, width, Math.max(scale, 2)); };
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
    const height = this.scroller.clientHeight, at = index * rowHeight, top = this.scroller.scrollTop;
    if (at < top || at > top + height - 3 * rowHeight) this.scroller.scrollTop = at - height / 3;
    this.draw();
  }
  firstInSight() { return Math.ceil(this.scroller.scrollTop / rowHeight); }
}
