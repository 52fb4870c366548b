// Which view is shown, the keys, and the theme.
"use strict";

(() => {
  const at = (id) => document.getElementById(id);
  const themes = ["system", "light", "dark"];
  cxr.current = undefined; // the film that is shown, null for the worklist
  let place = 0; // how far the worklist was scrolled

  function route() {
    const found = /^#case=(.+)$/.exec(location.hash);
    let film;
    try {
      film = found && cxr.byName.get(decodeURIComponent(found[1]));
    } catch { /* no name of a film */ }
    if (film ? film === cxr.current : cxr.current === null) return; // it is shown already
    if (film) openCase(film);
    else openList();
  }

  // The event of a changed address comes late: keys that are pressed fast need the view at once.
  function goTo(address, kept = false) {
    if (kept) location.hash = address;
    else location.replace(`#${address}`);
    route();
  }

  function openCase(film) {
    if (!cxr.current) place = scrollY;
    const first = !cxr.current;
    cxr.current = film;
    at("list-view").hidden = true;
    at("case-view").hidden = false;
    at("limits").open = true;
    const films = neighbours(), number = films.indexOf(film);
    at("position").textContent = `${number + 1} of ${films.length}`;
    at("previous").disabled = number <= 0;
    at("next").disabled = number >= films.length - 1;
    if (first) scrollTo(0, 0);
    cxr.showCase(film).then(() => {
      const after = films[number + 1];
      if (after?.pictures) new Image().src = cxr.file(after.name, ".film.png");
    });
    at("case-title").focus({ preventScroll: true });
  }

  function openList() {
    const last = cxr.current;
    cxr.current = null;
    document.title = "cxr-tf report";
    at("case-view").hidden = true;
    at("list-view").hidden = false;
    at("limits").open = false;
    scrollTo(0, place);
    cxr.list.render();
    if (last) cxr.list.focusFilm(cxr.list.shown.indexOf(last));
  }

  // The films that next and previous go through: those of the filters, if this one is among them.
  function neighbours() {
    return cxr.list.shown.includes(cxr.current) ? cxr.list.shown : cxr.films;
  }

  function step(by) {
    if (!cxr.current) return cxr.list.move(by);
    const films = neighbours(), film = films[films.indexOf(cxr.current) + by];
    if (film) goTo(`case=${encodeURIComponent(film.name)}`);
  }

  function setTheme(theme) {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    at("theme-name").textContent = theme;
    try {
      localStorage.setItem("cxr-theme", theme);
    } catch { /* a browser may keep nothing for pages on disk */ }
  }

  function nextTheme() {
    setTheme(themes[(themes.indexOf(at("theme-name").textContent) + 1) % themes.length]);
  }

  const toggle = (name) => cxr.viewer.set({ [name]: !cxr.viewer.state[name] });
  const always = {
    j: () => step(1),
    k: () => step(-1),
    ArrowRight: () => step(1),
    ArrowLeft: () => step(-1),
    t: nextTheme,
    "?": () => at("help").showModal(),
    "/": () => {
      goTo("", true);
      at("search").focus();
    },
  };
  const onCase = {
    Escape: () => goTo("", true),
    m: () => toggle("mask"),
    s: () => toggle("saliency"),
    p: () => toggle("patches"),
    i: () => toggle("invert"),
    w: () => cxr.viewer.set({ ...cxr.viewer.fresh }),
    "[": () => cxr.viewer.set({ opacity: cxr.viewer.state.opacity - 10 }),
    "]": () => cxr.viewer.set({ opacity: cxr.viewer.state.opacity + 10 }),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const field = event.target.closest("input, select, textarea");
    if (field && key === "Escape") return field.blur();
    // Keys that a field needs stay with it; ticks and sliders leave letters free.
    if (field && (!["range", "checkbox"].includes(field.type) || key.startsWith("Arrow"))) return;
    let act = always[key] ?? (cxr.current ? onCase[key] : undefined);
    if (!act && cxr.current && /^[1-9]$/.test(key) && Number(key) <= cxr.facts.classes.length) {
      act = () => cxr.viewer.set({ shownClass: Number(key) - 1, saliency: true });
    }
    if (!act) return;
    event.preventDefault();
    act();
  });

  at("previous").addEventListener("click", () => step(-1));
  at("next").addEventListener("click", () => step(1));
  at("help-button").addEventListener("click", () => at("help").showModal());
  at("theme-button").addEventListener("click", nextTheme);
  addEventListener("hashchange", route);
  try {
    const kept = localStorage.getItem("cxr-theme");
    if (themes.includes(kept)) setTheme(kept);
  } catch { /* see above */ }
  cxr.list.refresh();
  route();
})();
