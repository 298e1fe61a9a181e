// Appended to a dump's page by report-page.test: uses it as a reader would, and writes what was seen into the page.
addEventListener("load", async () => {
  const said = [], say = (...words) => said.push(words.join(" "));
  const check = (what, holds) => say(holds ? "ok" : "BROKEN", what);
  try {
    // Every diff shows both texts completely and in order, and calls only equal lines the same.
    const dumped = steps.filter(step => step.changed && step.isModule);
    for (let i = 1; i < dumped.length; i++) {
      const old = await load(dumped[i - 1]), now = await load(dumped[i]), rows = diffRows(old.lines, now.lines);
      const order = side => rows.map(row => row[side]).filter(line => line >= 0).every((line, at) => line === at);
      const all = side => rows.filter(row => row[side] >= 0).length;
      check(`${dumped[i].pass}: both texts in order`, order("a") && order("b") && all("a") === old.lines.length && all("b") === now.lines.length);
      check(`${dumped[i].pass}: what is called the same is`, rows.every(row => row.kind !== "same" || old.lines[row.a] === now.lines[row.b]));
      check(`${dumped[i].pass}: folds hide nothing else`, foldRows(rows, old.lines, now.lines).flatMap(row => row.rows || [row]).length === rows.length);
    }
    const kinds = (a, b) => diffRows(a.split("\n"), b.split("\n")).map(row => row.operands ? "rewired" : row.kind).join(" ");
    say("equal:", kinds("%0 = a.x\n%1 = a.y %0", "%0 = a.x\n%1 = a.y %0"));
    say("renumbered:", kinds("%0 = a.x\n%1 = a.y %0 : i32", "%c = a.x\n%2 = a.y %c : i32"));
    say("rewired:", kinds("%0 = a.x\n%1 = a.x\n%2 = a.y %0", "%0 = a.x\n%1 = a.x\n%2 = a.y %1"));
    say("arguments:", kinds("func.func @f(%arg0: i32) {\n  scf.forall (%i, %j) in (4, 4) {\n    a.x %i, %arg0", "func.func @f(%arg1: i32) {\n  scf.forall (%k, %l) in (4, 4) {\n    a.x %k, %arg1"));
    say("aliases:", kinds("#map = affine_map<a>\n#map1 = affine_map<b>\n\"x\"() {m = #map1}\n\"y\"() {m = #map}",
                          "#map = affine_map<b>\n\"x\"() {m = #map}\n\"y\"() {m = #map}"));
    say("changed:", kinds("%0 = a.x\n%1 = a.y", "%0 = a.x\n%1 = a.z"));
    // A large text: a function in forty is rewritten, the rest renumbered.
    const line = (f, i, d) => i ? `  %${i + d} = arith.addf %${i + d - 1}, %${i + d - 1} : vector<16xf32>` : `func.func @k${f}(%${d}: f32) {`;
    const text = (d, op) => Array.from({length: 40000}, (_, i) => line(i / 1000 | 0, i % 1000, d).replace(/addf/, i < 1000 ? op : "addf"));
    const start = performance.now(), large = diffRows(text(0, "addf"), text(7, "mulf"));
    say("large:", large.filter(row => row.kind === "changed").length, "changed");
    check("fast enough", performance.now() - start < 5000);

    // A line that moved and changed on the way knows what it was, so that the changed words can be marked.
    const was = ["%0 = nn.weight <\"weights of a layer\", 1, 2> : x", "%1 = a.y", "%2 = nn.conv %0, %1"], is = ["%0 = a.y", "%1 = nn.weight <\"weights of a layer\", 1, 2, packed> : x", "%2 = nn.conv %1, %0"];
    const movedRows = diffRows(was, is);
    say("moved:", movedRows.map(row => [row.kind, row.a, row.b, row.now ?? "", row.was ?? ""].join(",")).join(" "));
    // Constants that one side has in a row are one line until they are unfolded.
    const constants = Array.from({length: 20}, (_, i) => `  %c${i} = arith.constant ${i} : index`), few = ["a.x", "a.y"];
    say("constants:", foldRows(diffRows(few, [few[0], ...constants, few[1]]), few, [few[0], ...constants, few[1]]).map(row => row.constants ? `${row.rows.length} constants` : row.kind).join(" "));
    // Shown text: hashes and elided constants are short, breaks lose nothing and leave no line longer than asked for.
    const long = '    %1 = nn.weight <#nn.file<"w.bin", 1, 2, "5185b02772d9b9e4d0a3fca6ca9a4e9b02c8ff41f3d0bd3a3d8c4d3c1ae5e4a0">, dense_resource<__elided__> : tensor<64x3x7x7xf32>> {pads = array<i64: 0, 0>, strides = array<i64: 1, 1>}';
    say("shortened:", shownText(long).slice(0, 74));
    const brokenText = wrapTokens(tokenize(long), null, wrapPoints(shownText(long), 60), hangOf(long)).tokens.map(token => token[0]).join("");
    check("breaks lose nothing", brokenText.replace(/\n +/g, "") === shownText(long));
    check("no line is too long", brokenText.split("\n").every(line => line.length <= 61) && brokenText.includes("\n"));
    say("kinds:", [...tokenize("\tvfmadd231ps\t(%rdi), %zmm1, %zmm0 # comment"), ...tokenize("  %5 = load ptr, ptr %0, align 8 ; comment")].filter(token => token[1]).map(token => token[1]).join(" "));
    say("functions:", functionsOf({lines: ["module {", "  func.func private @\"k 1\"(%a: i32) {", "define void @k2(ptr %0) {", "k3:", ".LBB0_1:", "  llvm.func @k4()"]}).map(found => found.join("@")).join(" "));

    await go({view: "diff", step: 1});
    say("heading:", element("head").querySelector("h2").textContent);
    say("chips:", [...element("head").querySelectorAll(".chip")].map(chip => chip.textContent).join(" "));
    say("left changed:", [...list.panes[0].querySelectorAll(".row.del")].map(row => row.textContent.trim().replace(/\s+/g, " ")).join(" | "));
    keys.u();
    say("steps:", [...document.querySelectorAll(".step .name")].map(name => name.textContent).join(" "));
    search("arith.mulf");
    say("search:", element("hits").textContent, list.panes[0].querySelectorAll("mark").length, "marked");
    search("");
    await go({view: "text", step: 1});
    keys.l();
    say("locations:", [...list.panes[0].querySelectorAll(".nodes")].map(nodes => nodes.textContent).join(" "));
    list.panes[0].querySelectorAll(".row")[3].click();
    say("detail:", element("detail").textContent.replace(/\s+/g, " "));
    element("detail").querySelector(".chip").click();
    await new Promise(done => setTimeout(done, 500));
    say("node:", location.hash, element("head").querySelector("h2").textContent);
    for (const row of list.rows) say("row:", row.kind, row.step.file, row.same ? "same as above" : row.text || row.b);
    await go({view: "node", node: data.names.indexOf('load<"x">')});
    say("odd name:", element("head").querySelector("h2").textContent, document.querySelector(".node.now").textContent);
    await go({view: "overview"});
    say("overview:", element("head").textContent);
    say("flow:", [...document.querySelectorAll(".flow .name")].map(name => name.textContent).join(" "));
    say("phases:", [...document.querySelectorAll(".phase-head")].map(head => head.textContent.replace(/\s+/g, " ").trim().replace(/ ?[\d.]+ ms$/, "")).join(" | "));
    say("quiet:", [...document.querySelectorAll(".flow .quiet")].map(line => line.textContent).join(" | "));
  } catch (error) {
    say("BROKEN", error.stack);
  }
  document.body.textContent = "\n" + said.join("\n") + "\n";
});
