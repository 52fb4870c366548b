// The page of one film: what was decided, votes, biomarkers and facts beside the viewer.
"use strict";

cxr.showCase = (() => {
  const { make } = cxr;
  const at = (id) => document.getElementById(id);
  let compared = ""; // the group of normal films that biomarkers stand beside

  async function showCase(film) {
    at("case-title").textContent = film.file;
    at("case-folder").textContent = film.folder;
    document.title = `${film.file} – cxr-tf report`;
    delete at("stage").dataset.shown;
    at("panel").replaceChildren(decision(film), ...(film.label ? [votes(film)] : []), facts(film, null));
    const record = film.pictures ? await cxr.loadCase(film.name) : null;
    if (cxr.current !== film) return;
    at("panel").replaceChildren(
      decision(film),
      ...(film.label ? [votes(film)] : []),
      ...(record?.biomarkers ? [biomarkers(record)] : []),
      facts(film, record),
    );
    await cxr.viewer.show(film, record);
  }

  const card = (title, ...content) => make("section", { class: "card" }, make("h2", {}, title), ...content);

  function decision(film) {
    const content = [make("p", { class: "verdict" }, cxr.chip(film), make("span", { class: `badge ${film.group}` }, cxr.groups[film.group]))];
    if (film.label && film.sureness < cxr.facts.uncertain && film.group !== "uncertain") {
      content[0].append(make("span", { class: "badge uncertain" }, `Low ${cxr.measure(film).toLowerCase()}`));
    }
    if (film.label) {
      const number = cxr.facts.classes.indexOf(film.label);
      const share = cxr.percent(film.sureness);
      content.push(make("p", {}, film.patches === 1
        ? `The network looked at all of the lungs at once. It gives ${film.label} a probability of ${share}.`
        : `${film.votes[number]} of ${film.patches} patches voted for ${film.label}: an agreement of ${share}.`));
    }
    if (film.error) content.push(make("p", { class: "reason" }, film.error));
    content.push(make("p", { class: "small" }, document.querySelector(".notice").textContent));
    return card("Decision", ...content);
  }

  function votes(film) {
    const head = make("tr", {}, ...["Class", "Votes", "Probability"].map((text) => make("th", { scope: "col" }, text)));
    const rows = cxr.facts.classes.map((name, number) => {
      const kind = `class-${number % 8}`;
      return make("tr", { class: name === film.label ? "winner" : "" },
        make("th", { scope: "row" }, make("i", { class: `dot ${kind}`, "aria-hidden": "true" }), name),
        make("td", {}, cxr.bar(film.votes[number] / Math.max(1, film.patches), String(film.votes[number]), kind)),
        make("td", {}, cxr.bar(film.p[number], film.p[number].toFixed(3), kind)));
    });
    return card("Votes and probabilities", make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  }

  function biomarkers(record) {
    const groups = cxr.facts.ranges;
    const range = groups.find((group) => group.name === compared) ?? groups[0];
    const content = [];
    if (groups.length) {
      const options = groups.map((group) => make("option", { value: group.name, selected: group === range }, `${group.name} (n=${group.films})`));
      const select = make("select", { id: "compared" }, ...options);
      select.addEventListener("input", () => {
        compared = select.value;
        const place = select.closest("section");
        place.replaceWith(biomarkers(record));
        at("compared").focus();
      });
      content.push(make("label", {}, "Beside the middle 95 % of normal training films: ", select));
    } else {
      content.push(make("p", { class: "small" }, "What these figures are in normal films is not known for this model."));
    }
    content.push(make("ul", { class: "markers" }, ...cxr.facts.markers.map((marker) => markerLine(marker, record.biomarkers[marker[0]], range?.markers[marker[0]]))));
    if (record.missing) content.push(make("p", { class: "reason" }, `Missing: ${record.missing}.`));
    content.push(make("p", { class: "small" }, "Measured inside the masks, which can be wrong. A figure outside the range is no finding."));
    return card("Biomarkers", ...content);
  }

  function markerLine([name, title, what], value, range) {
    const number = make("b", {}, value === null || value === undefined ? "–" : value.toFixed(3));
    const line = make("li", { "data-marker": name }, make("span", { class: "marker-title", title: what }, title), number);
    if (range && typeof value === "number") {
      const outside = value < range.low ? "below" : value > range.high ? "above" : "";
      const low = Math.min(range.low, value), high = Math.max(range.high, value);
      const space = 0.15 * (high - low || 1), place = (x) => 100 * (x - low + space) / (high - low + 2 * space);
      const strip = make("span", { class: "strip", "aria-hidden": "true" });
      for (const [kind, from, to] of [["band", range.low, range.high], ["median", range.median, null], ["value", value, null]]) {
        const part = make("i", { class: kind });
        part.style.left = `${place(from)}%`;
        if (to !== null) part.style.width = `${place(to) - place(from)}%`;
        strip.append(part);
      }
      line.classList.toggle("outside", outside !== "");
      line.append(strip, make("small", {}, `${outside ? `${outside} ` : "within "}${range.low.toFixed(3)} to ${range.high.toFixed(3)}, n=${range.n}`));
    }
    return line;
  }

  function facts(film, record) {
    const pairs = [["Status", film.status.replaceAll("_", " ")], ["File", film.path]];
    if (record) pairs.push(["Size", `${record.film[1]} × ${record.film[0]} pixels`]);
    if (film.lungs) pairs.push(["Lungs", `${cxr.percent(film.lungs)} of the film`]);
    if (film.patches > 1) pairs.push(["Patches", `${film.patches}, seed ${film.seed}`]);
    pairs.push(...Object.entries(film.more).filter(([, text]) => text !== ""));
    return card("Facts", make("dl", {}, ...pairs.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)))));
  }

  return showCase;
})();
