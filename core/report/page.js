// Draws the charts of a document from the specs in it, and hands out its rows as CSV; asks nothing of any network.
"use strict";

(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);

  // Expressions are interpreted, not compiled: the document's own policy forbids to make code out of text.
  const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, tooltip: { disableDefaultStyle: true } };
  for (const place of document.querySelectorAll("[data-chart]")) {
    window.vegaEmbed(place, read(place.dataset.chart), options).catch((error) => {
      place.textContent = "This chart could not be drawn; its numbers are below it.";
      console.error(error);
    });
  }

  function csv(columns) {
    const names = Object.keys(columns);
    const cell = (value) => {
      // Programs for tables take a text that begins so for a formula, and work it out.
      const formula = typeof value === "string" && /^[=+\-@\t\r]/.test(value);
      const text = value === null ? "" : formula ? `'${value}` : String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [names.map(cell).join(",")];
    for (let row = 0; row < (names.length ? columns[names[0]].length : 0); row += 1) {
      lines.push(names.map((name) => cell(columns[name][row])).join(","));
    }
    return `${lines.join("\n")}\n`;
  }

  for (const button of document.querySelectorAll("[data-rows]")) {
    button.addEventListener("click", () => {
      const file = new Blob([csv(read(button.dataset.rows))], { type: "text/csv" });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file);
      link.download = button.dataset.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    });
  }

  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("details[data-short]")) folded.open = true;
  });
})();
