// What the report knows. A page on disk may not fetch: data come as scripts that call takeWorklist or takeCase.
"use strict";

const cxr = {
  facts: JSON.parse(document.getElementById("facts").textContent),
  films: [], // in the order of triage
  byName: new Map(),
  waiting: new Map(),
  kept: new Map(), // the cases looked at last

  groups: {
    suspect: "Suspect",
    uncertain: "Uncertain",
    rest: "Rest",
    undecided: "Without a decision",
  },

  takeWorklist(films) {
    cxr.films = films;
    films.forEach((film, index) => {
      const cut = Math.max(film.path.lastIndexOf("/"), film.path.lastIndexOf("\\")) + 1;
      film.index = index;
      film.file = film.path.slice(cut) || film.path;
      film.folder = film.path.slice(0, cut);
      film.text = `${film.path}\n${film.label}\n${film.status}\n${film.error}`.toLowerCase();
      cxr.byName.set(film.name, film);
    });
  },

  takeCase(name, record) {
    cxr.waiting.get(name)?.(record);
    cxr.waiting.delete(name);
  },

  // Where a file of a film lies.
  file(name, suffix) {
    return `cases/${encodeURIComponent(name)}${suffix}`;
  },

  // Gives the record of a film, or null where its file is missing.
  loadCase(name) {
    if (!cxr.kept.has(name)) {
      cxr.kept.set(name, new Promise((resolve) => {
        cxr.waiting.set(name, resolve);
        const script = document.createElement("script");
        script.src = cxr.file(name, ".js");
        script.onload = () => script.remove();
        script.onerror = () => resolve(null);
        document.head.append(script);
      }));
      if (cxr.kept.size > 8) cxr.kept.delete(cxr.kept.keys().next().value);
    }
    return cxr.kept.get(name);
  },

  // Loads a picture; null where it cannot be shown.
  loadPicture(address) {
    return new Promise((resolve) => {
      const picture = new Image();
      picture.onload = () => resolve(picture);
      picture.onerror = () => resolve(null);
      picture.src = address;
    });
  },

  // Makes an element. Texts become text nodes: nothing of a film is ever read as markup.
  make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  },

  // What `sureness` is: a single vote has no agreement.
  measure: (film) => (film.patches === 1 ? "Probability" : "Agreement"),
  percent: (share) => `${Math.round(100 * share)}\u00a0%`,

  // The mark of a class or a status, in words and in colour.
  chip(film) {
    const number = cxr.facts.classes.indexOf(film.label);
    const kind = number < 0 ? "chip status" : `chip class-${number % 8}`;
    return cxr.make("span", { class: kind }, film.label || film.status.replaceAll("_", " "));
  },

  bar(share, text, kind = "") {
    const fill = cxr.make("i");
    fill.style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
    return cxr.make("span", { class: "bar-cell" }, cxr.make("span", { class: `meter ${kind}`, "aria-hidden": "true" }, fill), cxr.make("span", { class: "number" }, text));
  },
};
