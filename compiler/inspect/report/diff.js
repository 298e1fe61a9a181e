// Compares two texts of IR, line by line. Values are renumbered by almost every pass and lowering a loop changes the indentation of its body,
// so lines are matched without either; the rest is patience diff (lines rare on both sides are anchors) with a plain longest common subsequence in small gaps.

// Attribute aliases (`#map1 = affine_map<…>`) are renumbered as well: a line is compared by what they stand for.
function aliasesOf(lines) {
  const written = new Map(), meant = new Map();
  for (const line of lines) {
    const found = (line[0] === "#" || line[0] === "!") && /^([#!][\w$.-]+) = (.*)$/.exec(line);
    if (found) written.set(found[1], found[2]);
  }
  const expand = (text, depth) => text.replace(/[#!][A-Za-z_][\w$.-]*/g, name => meaning(name, depth + 1));
  function meaning(name, depth = 0) {
    if (!written.has(name) || depth > 20) return name;
    if (!meant.has(name)) meant.set(name, expand(written.get(name), depth));
    return meant.get(name);
  }
  for (const name of written.keys()) meaning(name);
  return meant;
}

// What lines are matched by. A closing brace keeps its indentation: that is all it has.
function lineKey(line, aliases) {
  const bare = line.trimStart();
  if (bare.length < 3) return line;
  const key = bare.replace(/%[\w$.#-]+(:\d+)?/g, "%").replace(/\^bb\d+/g, "^");
  if (!aliases.size) return key;
  return key.replace(/^([#!])[\w$.-]+ = /, "$1 = ").replace(/[#!][A-Za-z_][\w$.-]*/g, name => aliases.get(name) ?? name);
}

// Longest strictly increasing subsequence of pairs that are sorted by their first member, by the second.
function increasing(pairs) {
  const tails = [], before = new Array(pairs.length).fill(-1);
  for (let i = 0; i < pairs.length; i++) {
    let low = 0, high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (pairs[tails[middle]][1] < pairs[i][1]) low = middle + 1; else high = middle;
    }
    if (low) before[i] = tails[low - 1];
    tails[low] = i;
  }
  const chain = [];
  for (let i = tails.length ? tails[tails.length - 1] : -1; i >= 0; i = before[i]) chain.push(pairs[i]);
  return chain.reverse();
}

// Plain longest common subsequence of a[a0, a1) and b[b0, b1); only for small ranges.
function commonSubsequence(a, a0, a1, b, b0, b1, emit) {
  const width = b1 - b0 + 1, table = new Uint16Array((a1 - a0 + 1) * width);
  for (let i = a1 - a0 - 1; i >= 0; i--)
    for (let j = b1 - b0 - 1; j >= 0; j--)
      table[i * width + j] = a[a0 + i] === b[b0 + j] ? table[(i + 1) * width + j + 1] + 1
                                                     : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
  for (let i = 0, j = 0; i < a1 - a0 && j < b1 - b0;) {
    if (a[a0 + i] === b[b0 + j]) emit(a0 + i++, b0 + j++);
    else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) i++;
    else j++;
  }
}
// Two versions of one large unrolled kernel are still small enough; a whole text of such kernels takes about a second.
const smallEnough = (n, m) => n * m <= 3e6 && n < 60000 && m < 60000;

// match[i] = index in b of the line that a[i] became, or -1.
function matchLines(a, b) {
  const match = new Int32Array(a.length).fill(-1);
  const todo = [[0, a.length, 0, b.length]];
  while (todo.length) {
    let [a0, a1, b0, b1] = todo.pop();
    while (a0 < a1 && b0 < b1 && a[a0] === b[b0]) match[a0++] = b0++;
    while (a0 < a1 && b0 < b1 && a[a1 - 1] === b[b1 - 1]) match[--a1] = --b1;
    if (a0 === a1 || b0 === b1) continue;
    if (smallEnough(a1 - a0, b1 - b0)) {
      commonSubsequence(a, a0, a1, b, b0, b1, (i, j) => match[i] = j);
      continue;
    }
    // Anchors: lines that occur equally often, and rarely, on both sides; the n-th goes with the n-th.
    const inA = new Map(), inB = new Map();
    for (let i = a0; i < a1; i++) { const l = inA.get(a[i]); if (l) l.push(i); else inA.set(a[i], [i]); }
    for (let j = b0; j < b1; j++) { const l = inB.get(b[j]); if (l) l.push(j); else inB.set(b[j], [j]); }
    const pairs = [];
    for (const [line, places] of inA) {
      const others = inB.get(line);
      if (others && others.length === places.length && places.length <= 8)
        for (let n = 0; n < places.length; n++) pairs.push([places[n], others[n]]);
    }
    pairs.sort((x, y) => x[0] - y[0]);
    let lastA = a0, lastB = b0;
    const anchors = increasing(pairs);
    for (const [i, j] of anchors) {
      match[i] = j;
      todo.push([lastA, i, lastB, j]);
      lastA = i + 1; lastB = j + 1;
    }
    if (anchors.length) todo.push([lastA, a1, lastB, b1]);
  }
  return match;
}

// What kind of op a line holds; lines of one kind in a changed region are shown against each other.
function kindOf(line) {
  const found = /^\s*(?:%[^=]*= )?"?([\w$]+(?:\.[\w$]+)*)/.exec(line);
  return found ? found[1] : line.trim();
}

// The values that a line names, in order: {name, result, defined}. Results stand before the ` = ` that begins an op; block and loop arguments
// are followed by ` = ` or by `: ` and a type.
function valuesOf(line) {
  const head = /^\s*%[^=]*= /.exec(line), end = head ? head[0].length : 0;
  return [...line.matchAll(/(%[\w$.-]+)(#\d+)?/g)].map(found => ({name: found[1], result: found[2],
    defined: found.index < end || /^(?: = |: )/.test(line.slice(found.index + found[0].length, found.index + found[0].length + 3))}));
}

// Matched lines that differ in value numbers only: either the values were just renumbered, or an operand is now another value. Follows the
// definitions down the text to tell the two apart; the latter become changed rows that know their changed operands. Some ops define values in
// other places (`scf.forall (%i, %j) in …`): a value that was not met before and turns into another such one counts as defined there.
function findRewired(rows, oldLines, newLines) {
  const renamed = new Map(), taken = new Set();
  const define = (from, to) => { renamed.set(from, to); taken.add(to); };
  for (const row of rows) {
    if (row.a < 0 || row.b < 0 || row.kind === "changed" && !row.pair) continue;
    const was = valuesOf(oldLines[row.a]), is = valuesOf(newLines[row.b]);
    if (was.length !== is.length) continue;
    if (/func @|func\.func .*@/.test(oldLines[row.a])) { renamed.clear(); taken.clear(); }
    const operands = new Set();
    was.forEach(({name, result, defined}, i) => {
      const now = is[i].name;
      if (defined || !renamed.has(name) && !taken.has(now)) define(name, now);
      else if (renamed.get(name) !== now || result !== is[i].result) operands.add(i);
    });
    if (operands.size && row.kind !== "changed") Object.assign(row, {kind: "changed", pair: true, operands});
  }
}

// Rows of a side-by-side view: {kind, a, b} with line indices or -1; kind is same, renumbered or changed; `pair` if the two lines of a changed
// row belong together, `operands` if they differ in nothing but those.
function diffRows(oldLines, newLines) {
  const ids = new Map();
  const intern = lines => {
    const aliases = aliasesOf(lines);
    return Int32Array.from(lines, line => {
      const key = lineKey(line, aliases);
      let id = ids.get(key);
      if (id === undefined) ids.set(key, id = ids.size);
      return id;
    });
  };
  const match = matchLines(intern(oldLines), intern(newLines));
  const rows = [];
  const changed = (a0, a1, b0, b1) => {
    let i = a0, j = b0;
    const until = (a, b) => {
      while (i < a || j < b) rows.push({kind: "changed", a: i < a ? i++ : -1, b: j < b ? j++ : -1});
    };
    if (a1 - a0 && b1 - b0 && smallEnough(a1 - a0, b1 - b0))
      commonSubsequence(oldLines.slice(a0, a1).map(kindOf), 0, a1 - a0, newLines.slice(b0, b1).map(kindOf), 0, b1 - b0, (a, b) => {
        until(a0 + a, b0 + b);
        rows.push({kind: "changed", pair: true, a: i++, b: j++});
      });
    until(a1, b1);
  };
  let i = 0, j = 0;
  for (let a = 0; a <= oldLines.length; a++) {
    const b = a < oldLines.length ? match[a] : newLines.length;
    if (b < 0) continue;
    changed(i, a, j, b);
    if (a < oldLines.length) rows.push({kind: oldLines[a] === newLines[b] ? "same" : "renumbered", a, b});
    i = a + 1; j = b + 1;
  }
  findRewired(rows, oldLines, newLines);
  findMoved(rows, oldLines, newLines);
  return rows;
}

// A line that moved a little and changed on the way is one line removed and one added, and neither stands against the other. Such two learn of each
// other (`twin`), so that the words that changed can be shown: within a stretch of changes, of one kind, and alike for their first half.
function findMoved(rows, oldLines, newLines) {
  const near = 8, comparable = line => line.trimStart().replace(/%[\w$.#-]+/g, "%");
  const alike = (x, y) => {
    const half = Math.min(x.length, y.length) / 2;
    return half > 10 && x.slice(0, half) === y.slice(0, half);
  };
  for (let start = 0; start < rows.length; start++) {
    if (rows[start].kind !== "changed") continue;
    let end = start, last = start;
    while (end < rows.length && end - last <= near) { if (rows[end].kind === "changed") last = end; end++; }
    const stretch = rows.slice(start, last + 1).filter(row => row.kind === "changed" && !row.pair);
    const added = new Map();
    for (const row of stretch) {
      if (row.b < 0) continue;
      const kind = kindOf(newLines[row.b]);
      if (added.has(kind)) added.get(kind).push(row); else added.set(kind, [row]);
    }
    for (const row of stretch) {
      const others = row.a >= 0 && added.get(kindOf(oldLines[row.a]));
      if (!others || others.length > 200) continue;
      const was = comparable(oldLines[row.a]), at = others.findIndex(other => alike(was, comparable(newLines[other.b])));
      if (at < 0) continue;
      const [other] = others.splice(at, 1);
      row.now = other.b;   // what the removed line became
      other.was = row.a;   // what the added line had been
    }
    start = last;
  }
}

// Replaces long unchanged stretches, and long runs of constants that only one side has, by one fold row {kind: "fold", rows}.
function foldRows(rows, oldLines, newLines, context = 3) {
  const folded = [];
  const isConstant = row => row.kind === "changed" && (row.a < 0 || row.b < 0) && /= [\w.]*constant\b/.test(row.a < 0 ? newLines[row.b] : oldLines[row.a]);
  const foldConstants = changed => {
    for (let i = 0; i < changed.length;) {
      let end = i;
      while (end < changed.length && isConstant(changed[end]) && (changed[end].a < 0) === (changed[i].a < 0)) end++;
      if (end - i > 7) folded.push({kind: "fold", constants: true, rows: changed.slice(i, end)});
      else for (let k = i; k < Math.max(end, i + 1); k++) folded.push(changed[k]);
      i = Math.max(end, i + 1);
    }
  };
  for (let i = 0; i < rows.length;) {
    let end = i;
    while (end < rows.length && rows[end].kind !== "changed") end++;
    const head = i === 0 ? 0 : context, tail = end === rows.length ? 0 : context;
    if (end - i > head + tail + 3) {
      for (let k = i; k < i + head; k++) folded.push(rows[k]);
      folded.push({kind: "fold", rows: rows.slice(i + head, end - tail)});
      for (let k = end - tail; k < end; k++) folded.push(rows[k]);
    } else {
      for (let k = i; k < end; k++) folded.push(rows[k]);
    }
    const first = end;
    while (end < rows.length && rows[end].kind === "changed") end++;
    foldConstants(rows.slice(first, end));
    i = end;
  }
  return folded;
}

// Marks of the tokens in which the two lines of a changed pair differ; value numbers do not count, rewired operands do.
function markDifferences(row, oldTokens, newTokens, oldAliases, newAliases) {
  if (row.operands)
    return [oldTokens, newTokens].map(tokens => {
      let ordinal = 0;
      return tokens.map(token => token[1] === "value" && row.operands.has(ordinal++));
    });
  const marks = [new Uint8Array(oldTokens.length).fill(1), new Uint8Array(newTokens.length).fill(1)];
  const text = (tokens, aliases) => tokens.map(token => token[1] === "value" ? "%" : token[1] === "attr" ? aliases.get(token[0]) ?? token[0] : fullText(token));
  if (smallEnough(oldTokens.length, newTokens.length))
    commonSubsequence(text(oldTokens, oldAliases), 0, oldTokens.length, text(newTokens, newAliases), 0, newTokens.length,
                      (i, j) => marks[0][i] = marks[1][j] = 0);
  return marks;
}
