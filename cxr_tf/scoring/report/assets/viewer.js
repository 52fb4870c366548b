// The film on its canvas, and over it masks, saliency and patches.
"use strict";

cxr.viewer = (() => {
  const at = (id) => document.getElementById(id);
  const stage = at("stage"), film = at("film"), marks = at("marks");
  const fresh = { window: 255, level: 128, invert: false };
  const state = { mask: true, saliency: true, patches: false, ...fresh, opacity: 65, shownClass: 0 };
  let row = null, record = null, saliency = null, hovered = -1, turn = 0;

  // Colours on the film are the same in both themes: the film is dark in either.
  const colour = (name) => getComputedStyle(stage).getPropertyValue(name).trim();

  async function show(newRow, newRecord) {
    const mine = ++turn;
    row = newRow;
    record = newRecord;
    saliency = null;
    hovered = -1;
    Object.assign(state, fresh);
    state.shownClass = Math.max(0, cxr.facts.classes.indexOf(row.label));
    for (const canvas of [film, marks]) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    stage.classList.toggle("blank", !record);
    at("stage-text").textContent = record ? "" : "There is no picture of this film.";
    at("controls").hidden = at("legend").hidden = !record;
    at("patch-text").textContent = "";
    tell();
    if (!record) return;
    stage.style.setProperty("--ratio", record.width / record.height);
    const [picture, colours] = await Promise.all([
      cxr.loadPicture(cxr.file(row.name, ".film.png")),
      record.saliency ? cxr.loadPicture(cxr.file(row.name, ".saliency.png")) : null,
    ]);
    if (mine !== turn) return; // another film has been asked for
    if (!picture) {
      at("stage-text").textContent = "The picture of this film cannot be shown: its file is missing or damaged.";
      return;
    }
    film.width = picture.naturalWidth;
    film.height = picture.naturalHeight;
    film.getContext("2d").drawImage(picture, 0, 0);
    saliency = colours;
    draw();
    stage.dataset.shown = row.name;
  }

  // Shows the settings, and says in words what is on the film.
  function tell() {
    for (const name of ["opacity", "window", "level"]) at(name).value = state[name];
    at("opacity-text").textContent = `${state.opacity} %`;
    at("window-text").textContent = state.window;
    at("level-text").textContent = state.level;
    at("saliency-class").value = state.shownClass;
    for (const button of document.querySelectorAll("[data-toggle]")) {
      button.setAttribute("aria-pressed", String(state[button.dataset.toggle]));
    }
    at("saliency-class").disabled = at("opacity").disabled = !record?.saliency;
    const parts = [];
    if (state.mask) parts.push("outlines of heart and lungs");
    if (state.saliency && record?.saliency) parts.push(`saliency of ${cxr.facts.classes[state.shownClass]} at ${state.opacity} %`);
    if (state.patches && record?.patches.length) parts.push(`${record.patches.length} patches coloured by vote`);
    film.setAttribute("aria-label", `Film ${row?.file ?? ""}${parts.length ? ` with ${parts.join(", ")}` : ""}`);
    // Grey level g becomes (g - level) * 255 / window + 128, mirrored where inverted.
    const slope = 255 / state.window, shift = 0.5 - (slope * state.level) / 255;
    for (const part of document.querySelectorAll("#grey feComponentTransfer > *")) {
      part.setAttribute("slope", state.invert ? -slope : slope);
      part.setAttribute("intercept", state.invert ? 1 - shift : shift);
    }
  }

  function draw() {
    tell();
    if (!record) return;
    const scale = devicePixelRatio || 1, { width, height } = film.getBoundingClientRect();
    if (!width) return;
    marks.width = Math.round(width * scale);
    marks.height = Math.round(height * scale);
    const pen = marks.getContext("2d");
    if (state.saliency && saliency) {
      const side = saliency.naturalWidth, tall = saliency.naturalHeight / cxr.facts.classes.length;
      pen.globalAlpha = state.opacity / 100;
      pen.imageSmoothingQuality = "high";
      pen.drawImage(saliency, 0, state.shownClass * tall, side, tall, 0, 0, marks.width, marks.height);
      pen.globalAlpha = 1;
    }
    pen.lineJoin = "round";
    if (state.patches) drawPatches(pen, scale);
    if (state.mask) drawOutlines(pen, scale);
  }

  function drawOutlines(pen, scale) {
    for (const [part, curves] of Object.entries(record.outlines)) {
      const path = new Path2D();
      for (const curve of curves) addCurve(path, curve);
      pen.strokeStyle = "rgba(0, 0, 0, .55)";
      pen.lineWidth = 3.5 * scale;
      pen.stroke(path);
      pen.strokeStyle = colour(part === "heart" ? "--heart" : "--lungs");
      pen.lineWidth = 2 * scale;
      pen.stroke(path);
    }
  }

  // A smooth closed curve: through the middle of each side, bent towards each corner.
  function addCurve(path, curve) {
    const count = curve.length / 2;
    const corner = (i) => [curve[(2 * i) % (2 * count)] * marks.width, curve[(2 * i + 1) % (2 * count)] * marks.height];
    const middle = (i) => corner(i).map((x, axis) => (x + corner(i + 1)[axis]) / 2);
    path.moveTo(...middle(count - 1));
    for (let i = 0; i < count; i++) path.quadraticCurveTo(...corner(i), ...middle(i));
    path.closePath();
  }

  const vote = (patch) => patch.slice(2).reduce((best, p, i, all) => (p > all[best] ? i : best), 0);

  function drawPatches(pen, scale) {
    const wide = cxr.facts.patch * marks.width, high = cxr.facts.patch * marks.height;
    const colours = cxr.facts.classes.map((_, number) => colour(`--on-film-${number % 8}`));
    const square = ([y, x]) => pen.strokeRect(x * marks.width - wide / 2, y * marks.height - high / 2, wide, high);
    pen.globalAlpha = 0.28;
    pen.lineWidth = scale;
    for (const patch of record.patches) {
      pen.strokeStyle = colours[vote(patch)];
      square(patch);
    }
    pen.globalAlpha = 1;
    for (const patch of record.patches) {
      pen.beginPath();
      pen.arc(patch[1] * marks.width, patch[0] * marks.height, 5 * scale, 0, 2 * Math.PI);
      pen.fillStyle = colours[vote(patch)];
      pen.fill();
      pen.strokeStyle = "#000";
      pen.stroke();
    }
    const patch = record.patches[hovered];
    if (patch) {
      pen.strokeStyle = colours[vote(patch)];
      pen.lineWidth = 3 * scale;
      square(patch);
    }
  }

  function hover(event) {
    if (!state.patches || !record?.patches.length) return;
    const { left, top, width, height } = film.getBoundingClientRect();
    let best = -1, least = 18 ** 2;
    record.patches.forEach(([y, x], number) => {
      const away = (x * width + left - event.clientX) ** 2 + (y * height + top - event.clientY) ** 2;
      if (away < least) [best, least] = [number, away];
    });
    if (best === hovered) return;
    hovered = best;
    const patch = record.patches[best];
    at("patch-text").textContent = patch
      ? `Patch ${best + 1}: ${cxr.facts.classes.map((name, i) => `${name} ${patch[2 + i].toFixed(2)}`).join(", ")}`
      : "";
    draw();
  }

  function set(changes) {
    Object.assign(state, changes);
    state.opacity = Math.min(100, Math.max(0, state.opacity));
    state.window = Math.min(255, Math.max(2, state.window));
    state.level = Math.min(255, Math.max(0, state.level));
    if (!state.patches) hovered = -1;
    draw();
  }

  cxr.facts.classes.forEach((name, number) => {
    at("saliency-class").append(cxr.make("option", { value: number }, name));
  });
  for (const name of ["opacity", "window", "level"]) {
    at(name).addEventListener("input", () => set({ [name]: Number(at(name).value) }));
  }
  at("saliency-class").addEventListener("input", () => set({ shownClass: Number(at("saliency-class").value), saliency: true }));
  at("reset").addEventListener("click", () => set({ ...fresh }));
  for (const button of document.querySelectorAll("[data-toggle]")) {
    button.addEventListener("click", () => set({ [button.dataset.toggle]: !state[button.dataset.toggle] }));
  }
  // A finger on the film scrolls the page; a mouse or pen sets window and level.
  let held = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" || event.button !== 0 || !record) return;
    held = { x: event.clientX, y: event.clientY, window: state.window, level: state.level };
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!held) return hover(event);
    set({
      window: Math.round(held.window + (event.clientX - held.x) / 2),
      level: Math.round(held.level + (event.clientY - held.y) / 2),
    });
  });
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, () => { held = null; });
  new ResizeObserver(draw).observe(stage);
  return { state, show, set, fresh };
})();
