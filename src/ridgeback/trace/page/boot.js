// The page around the module: reads its records, keeps step and cell in the address, opens everything for printing.

import { mount } from "./trace.js";

const records = [...document.querySelectorAll("script[data-trace]")].map((script) => JSON.parse(script.textContent));
const places = [...document.querySelectorAll("[data-mount]")];
const isPair = records.length > 1;

/** "#step=3&cell=user_factors,0,1" */
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const state = {};
  if (/^\d+$/.test(asked.get("step") ?? "")) state.step = Number(asked.get("step"));
  const [name, row, column] = (asked.get("cell") ?? "").split(",");
  if (name && /^\d+$/.test(row) && /^\d+$/.test(column))
    state.cell = { name, row: Number(row), column: Number(column) };
  return state;
}

function writeAddress({ step, cell }) {
  const address = `#step=${step}${cell ? `&cell=${cell.name},${cell.row},${cell.column}` : ""}`;
  try {
    history.replaceState(null, "", address);
  } catch {
    // A page inside another document (a notebook's frame) has no address of its own.
  }
}

const start = readAddress();
let views = [];
views = places.map((place, at) =>
  mount(place, records[at], {
    ...start,
    level: isPair ? 2 : 1,
    mark: isPair ? ["first trace", "second trace"][at] : null,
    onchange: (state) => {
      views.forEach((view, other) => other !== at && view.set({ ...state, isQuiet: true }));
      writeAddress(state);
    },
  }),
);

window.addEventListener("hashchange", () => {
  const { step, cell = null } = readAddress();
  views[0].set({ step, cell });
});

document.addEventListener("keydown", (event) => {
  if (event.target === document.body) views[0].key(event);
});

let opened = [];
function expand() {
  const closed = [...document.querySelectorAll("details:not([open])")];
  for (const each of closed) each.open = true;
  opened.push(...closed);
}
function collapse() {
  for (const each of opened) each.open = false;
  opened = [];
}
window.addEventListener("beforeprint", expand);
window.addEventListener("afterprint", collapse);
window.matchMedia("print").addEventListener("change", ({ matches }) => (matches ? expand() : collapse()));
