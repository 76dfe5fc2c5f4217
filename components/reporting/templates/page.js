// Charts are drawn for light paper; on a dark screen ink, labels, grid and blue change.
(function () {
  "use strict";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const pairs = [
    ["#1d2733", "#e6eaee"],
    ["#5b6875", "#a3aeb9"],
    ["#e4e8ec", "#333c46"],
    ["#0072b2", "#56b4e9"],
  ];
  const swapped = {
    dark: new Map(pairs),
    light: new Map(pairs.map(([light, darker]) => [darker, light])),
  };
  const properties = [
    "line_color",
    "fill_color",
    "grid_line_color",
    "axis_line_color",
    "axis_label_text_color",
    "major_label_text_color",
  ];

  function swap(model, colours) {
    for (const name of properties) {
      if (!(name in model)) continue;
      const old = model[name];
      const value = old !== null && typeof old === "object" ? old.value : old;
      const other = typeof value === "string" ? colours.get(value.toLowerCase()) : undefined;
      if (other !== undefined) model[name] = typeof old === "object" ? { value: other } : other;
    }
  }

  function paint(scheme) {
    for (const one of window.Bokeh.documents) {
      for (const root of one.roots()) {
        for (const model of root.references()) swap(model, swapped[scheme]);
      }
    }
    document.documentElement.dataset.charts = scheme;
  }

  const follow = () => paint(dark.matches ? "dark" : "light");

  // Bokeh embeds the charts in its own time.
  function begin(attempts) {
    if (window.Bokeh && window.Bokeh.documents.length > 0) {
      follow();
      dark.addEventListener("change", follow);
      window.addEventListener("beforeprint", () => paint("light"));
      window.addEventListener("afterprint", follow);
    } else if (attempts > 0) {
      window.setTimeout(begin, 50, attempts - 1);
    }
  }

  begin(400);
})();
