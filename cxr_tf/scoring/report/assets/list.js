// The worklist: filters, and only those rows in the page that are in sight.
"use strict";

cxr.list = (() => {
  const { make } = cxr;
  const at = (id) => document.getElementById(id);
  const table = at("table"), box = at("rows"), form = at("filters");
  const chosen = { group: "", classes: new Set() };
  let lines = []; // group headings and films, each with its place
  let height = 0;
  const inPage = new Map();
  const list = { shown: [], active: -1, refresh, render, move, focusFilm };

  const size = () => {
    const style = getComputedStyle(table);
    return [parseFloat(style.getPropertyValue("--row")), parseFloat(style.getPropertyValue("--heading"))];
  };

  function matches(film, words, status, most) {
    return (
      (!chosen.group || film.group === chosen.group) &&
      (!chosen.classes.size || chosen.classes.has(film.label)) &&
      (!status || film.status === status) &&
      (most >= 100 || (film.label !== "" && 100 * film.sureness <= most)) &&
      words.every((word) => film.text.includes(word))
    );
  }

  // Chooses the films anew, and draws them.
  function refresh() {
    const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = at("status").value, most = Number(at("sureness").value);
    at("sureness-text").textContent = `${most} %`;
    list.shown = cxr.films.filter((film) => matches(film, words, status, most));
    list.active = -1;
    layOut();
    const all = cxr.films.length, count = list.shown.length;
    at("shown").textContent = count === all ? `${all} films` : `${count} of ${all} films`;
    table.setAttribute("aria-rowcount", count + 1);
    table.classList.toggle("empty", count === 0);
  }

  function layOut() {
    const [row, heading] = size();
    const counts = {};
    for (const film of list.shown) counts[film.group] = (counts[film.group] ?? 0) + 1;
    lines = [];
    height = 0;
    let group = "";
    list.shown.forEach((film, number) => {
      if (film.group !== group) {
        group = film.group;
        lines.push({ group, count: counts[group], top: height, size: heading });
        height += heading;
      }
      lines.push({ film, number, top: height, size: row });
      height += row;
    });
    box.style.height = `${height}px`;
    box.replaceChildren();
    inPage.clear();
    render();
  }

  // The first line that ends below a place.
  function lineAt(place) {
    let low = 0, high = lines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (lines[middle].top + lines[middle].size <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function render() {
    if (at("list-view").hidden) return;
    const top = -box.getBoundingClientRect().top - 300;
    const first = lineAt(top), last = lineAt(top + innerHeight + 600);
    for (const [index, element] of inPage) {
      const away = index < first || index > last;
      if (away && !element.contains(document.activeElement)) {
        element.remove();
        inPage.delete(index);
      }
    }
    const fresh = [];
    for (let index = first; index <= last && index < lines.length; index++) {
      if (inPage.has(index)) continue;
      const element = lines[index].film ? row(lines[index]) : heading(lines[index]);
      element.style.transform = `translateY(${lines[index].top}px)`;
      inPage.set(index, element);
      fresh.push(element);
    }
    box.append(...fresh);
  }

  function heading(line) {
    const title = make("span", { role: "cell", "aria-colspan": 6 }, cxr.groups[line.group], " ", make("b", {}, String(line.count)));
    return make("div", { class: `group ${line.group}`, role: "row" }, title);
  }

  function row({ film, number }) {
    const picture = film.pictures
      ? make("img", { src: cxr.file(film.name, ".preview.png"), alt: "", width: 48, height: 48, loading: "lazy" })
      : make("span", { class: "no-picture", "aria-hidden": "true" }, "–");
    const link = make("a", { href: `#case=${encodeURIComponent(film.name)}`, title: film.path }, film.file);
    const name = make("span", { class: "name", role: "cell" }, link, make("small", {}, film.folder));
    const cells = [make("span", { class: "picture", role: "cell" }, picture), name, make("span", { class: "decision", role: "cell" }, cxr.chip(film))];
    if (film.label) {
      const suspicion = cxr.bar(film.suspicion, film.suspicion.toFixed(2), "suspicion");
      const sureness = cxr.bar(film.sureness, cxr.percent(film.sureness), film.sureness < cxr.facts.uncertain ? "low" : "");
      suspicion.classList.add("p");
      sureness.classList.add("sureness");
      sureness.title = cxr.measure(film);
      suspicion.setAttribute("role", "cell");
      sureness.setAttribute("role", "cell");
      cells.push(suspicion, sureness, make("span", { class: "lungs", role: "cell" }, cxr.percent(film.lungs)));
    } else {
      cells.push(make("span", { class: "reason", role: "cell", "aria-colspan": 3 }, film.error || film.status));
    }
    const line = make("div", { class: "row", role: "row", "aria-rowindex": number + 2 }, ...cells);
    line.addEventListener("click", (event) => {
      if (event.target !== link && !String(getSelection())) link.click();
    });
    link.addEventListener("focus", () => { list.active = number; });
    return line;
  }

  // Brings a row into sight and gives it the focus.
  function focusFilm(number) {
    const index = lines.findIndex((line) => line.number === number);
    if (index < 0) return;
    const line = lines[index], top = box.getBoundingClientRect().top + line.top;
    const bar = document.querySelector(".bar").offsetHeight;
    if (top < bar + 8) scrollBy(0, top - bar - 60);
    else if (top + line.size > innerHeight - 8) scrollBy(0, top + line.size - innerHeight + 60);
    render();
    inPage.get(index)?.querySelector("a").focus({ preventScroll: true });
  }

  function move(step) {
    if (!list.shown.length) return;
    const next = list.active < 0 ? 0 : list.active + step;
    focusFilm(Math.min(list.shown.length - 1, Math.max(0, next)));
  }

  function buildFilters() {
    for (const group of cxr.facts.groups) {
      const count = cxr.films.filter((film) => film.group === group).length;
      const tile = make("button", { type: "button", class: `tile ${group}`, "aria-pressed": "false", "data-group": group }, make("b", {}, String(count)), make("span", {}, cxr.groups[group]));
      tile.addEventListener("click", () => chooseGroup(chosen.group === group ? "" : group));
      at("tiles").append(tile);
    }
    cxr.facts.classes.forEach((name, number) => {
      const tick = make("input", { type: "checkbox", value: name });
      tick.addEventListener("change", () => {
        if (tick.checked) chosen.classes.add(name);
        else chosen.classes.delete(name);
        refresh();
      });
      at("classes").append(make("label", { class: `chip class-${number % 8}` }, tick, name));
    });
    for (const status of [...new Set(cxr.films.map((film) => film.status))].sort()) {
      at("status").append(make("option", { value: status }, status.replaceAll("_", " ")));
    }
  }

  function chooseGroup(group) {
    chosen.group = group;
    for (const tile of at("tiles").children) {
      tile.setAttribute("aria-pressed", String(tile.dataset.group === group));
    }
    refresh();
  }

  buildFilters();
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    chosen.classes.clear();
    setTimeout(() => chooseGroup(""));
  });
  for (const id of ["search", "status", "sureness"]) at(id).addEventListener("input", refresh);
  addEventListener("scroll", render, { passive: true });
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) layOut();
    else render();
    width = innerWidth;
  });
  return list;
})();
