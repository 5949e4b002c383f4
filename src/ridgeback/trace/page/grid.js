// One matrix as a real table: headers, a value and what it was before in each cell, and one tab stop for the whole grid.
// A step writes only the cells that differ.

import { h } from "./dom.js";
import { short, written } from "./numbers.js";

const SHADES = 5;
const MOST_MOVING = 400; // cells of a table whose shades change gently

export class Grid {
  /**
   * `matrix` is {name, over}; `title` and `note` are its heading; `view` answers value(row, column), before(row, column),
   * label(axis, at), share(column), and hears open(cell), look(cell) and key(event).
   */
  constructor(matrix, { title, note }, view) {
    this.matrix = matrix;
    this.view = view;
    this.active = { row: 0, column: 0 };
    this.lit = [];
    this.table = h("table", {
      role: "grid",
      "aria-label": title,
      class: "grid",
      onclick: (event) => this.clicked(event),
      onkeydown: (event) => this.pressed(event),
      onfocusin: (event) => this.focused(event),
      onpointerover: (event) => this.pointed(event),
      onpointerleave: () => this.view.look(null),
    });
    this.cut = h("p", { class: "cut", hidden: true });
    this.element = h(
      "div",
      { class: `matrix ${matrix.name}` },
      h("h3", {}, title),
      h("p", { class: "note" }, note),
      h("div", { class: "scroll" }, this.table),
      this.cut,
    );
  }

  /** Build the cells of a window {rows: [from, to], columns: [from, to]}; `sentence` says what it leaves out. */
  build(window, sentence) {
    this.window = window;
    this.largest = this.view.largest(this.matrix.name);
    this.cut.hidden = !sentence;
    this.cut.textContent = sentence;
    const [rowAxis, columnAxis] = this.matrix.over;
    const columns = range(window.columns);
    this.shares = [];
    const heads = columns.map((column) => {
      const label = this.view.label(columnAxis, column);
      const isFactor = columnAxis === "factors" && this.view.share(column) !== null;
      const share = isFactor ? h("span", { class: "share" }) : null;
      if (share) this.shares.push([share, column]);
      return h(
        "th",
        { scope: "col", title: label.length > 12 ? label : null },
        h("span", { class: "name" }, label),
        share,
      );
    });
    this.heads = heads;
    this.cells = [];
    this.shown = [];
    const corner = h("td", { class: "corner" });
    const body = range(window.rows).map((row) => {
      const label = this.view.label(rowAxis, row);
      const cells = columns.map(() =>
        h("td", { tabindex: -1 }, h("span", { class: "v" }, ""), h("span", { class: "was" }, "")),
      );
      this.cells.push(cells);
      this.shown.push(cells.map(() => ({})));
      return h("tr", {}, h("th", { scope: "row", title: label.length > 16 ? label : null }, label), cells);
    });
    this.columns = columns.map(() => h("col", {}));
    this.rowHead = h("col", {});
    const isSmall = body.length * columns.length <= MOST_MOVING;
    this.table.classList.toggle("small", isSmall);
    this.element.classList.toggle("large", !isSmall);
    this.table.replaceChildren(
      h("colgroup", {}, this.rowHead, this.columns),
      h("thead", {}, h("tr", {}, corner, heads)),
      h("tbody", {}, body),
    );
    this.activate(window.rows[0], window.columns[0]);
    this.size();
    this.update();
  }

  /** Set the columns' widths, in digits: fixed ones let a browser lay thousands of cells out quickly, and none jumps. */
  size() {
    const [rowAxis, columnAxis] = this.matrix.over;
    const longest = (axis, [from, to]) => Math.max(...range([from, to]).map((at) => this.view.label(axis, at).length));
    const rowHead = clamp(0.8 * longest(rowAxis, this.window.rows) + 1.6, [5, 19]);
    const name = clamp(0.8 * longest(columnAxis, this.window.columns) + 1.6, [0, 15]);
    const width = Math.max(this.view.numberWidth(this.matrix.name), name, columnAxis === "factors" ? 9.2 : 0);
    this.rowHead.style.width = `${rowHead}ch`;
    for (const column of this.columns) column.style.width = `${width}ch`;
    const whole = `calc(${rowHead + width * this.columns.length}ch + ${2 * (this.columns.length + 2)}px)`;
    this.table.style.width = whole;
    // The room that a large one keeps while it is out of sight: that of its table and heading.
    this.element.style.containIntrinsicSize = `auto ${whole} auto ${Math.min(620, 46 * this.cells.length + 40) + 66}px`;
  }

  /** Write what differs from what is shown; how many cells were written. */
  update() {
    let written = 0;
    const [fromRow, fromColumn] = [this.window.rows[0], this.window.columns[0]];
    for (let r = 0; r < this.cells.length; r++) {
      for (let c = 0; c < this.cells[r].length; c++) {
        written += this.write(this.cells[r][c], this.shown[r][c], fromRow + r, fromColumn + c);
      }
    }
    for (const [element, column] of this.shares)
      element.textContent = `${(100 * this.view.share(column)).toFixed(0)} % energy`;
    return written;
  }

  write(cell, shown, row, column) {
    const value = this.view.value(this.matrix.name, row, column);
    const before = this.view.before(this.matrix.name, row, column);
    const { digits } = this.view;
    if (shown.value === value && shown.before === before && shown.digits === digits) return 0;
    Object.assign(shown, { value, before, digits });
    const isNumber = typeof before === "number";
    const text = value === null ? "·" : this.matrix.name === "ratings" ? short(value, digits) : written(value, digits);
    const was = isNumber ? (before === value ? "" : written(before, digits)) : before;
    if (cell.firstChild.firstChild.data !== text) cell.firstChild.firstChild.data = text;
    if (cell.lastChild.firstChild.data !== was) cell.lastChild.firstChild.data = was;
    const classes = [this.shade(value)];
    if (isNumber && was !== "") classes.push(value > before ? "up" : "down");
    const name = classes.join(" ").trim();
    if (shown.name !== name) {
      for (const old of (shown.name ?? "").split(" ")) if (old) cell.classList.remove(old);
      for (const each of classes) if (each) cell.classList.add(each);
      shown.name = name;
    }
    return 1;
  }

  /** The class of a shade: sign and size of a value, of the largest of its matrix in any step. */
  shade(value) {
    if (value === null) return "none";
    if (!this.largest || value === 0) return "";
    const level = Math.min(SHADES, Math.ceil((SHADES * Math.abs(value)) / this.largest));
    return `${value > 0 ? "plus" : "minus"}${level}`;
  }

  holds(row, column) {
    const { rows, columns } = this.window;
    return row >= rows[0] && row < rows[1] && column >= columns[0] && column < columns[1];
  }

  at(row, column) {
    return this.holds(row, column) ? this.cells[row - this.window.rows[0]][column - this.window.columns[0]] : null;
  }

  /** The place of the cell that an event came from, or null. */
  placeOf(event) {
    const cell = event.target.closest("td[tabindex]");
    if (!cell || !this.table.contains(cell)) return null;
    const row = cell.parentElement.sectionRowIndex + this.window.rows[0];
    return { row, column: cell.cellIndex - 1 + this.window.columns[0] };
  }

  activate(row, column) {
    this.at(this.active.row, this.active.column)?.setAttribute("tabindex", -1);
    this.active = { row, column };
    this.at(row, column)?.setAttribute("tabindex", 0);
  }

  focus(row, column) {
    this.activate(row, column);
    this.at(row, column)?.focus();
  }

  clicked(event) {
    const place = this.placeOf(event);
    if (!place) return;
    this.focus(place.row, place.column);
    this.view.open({ name: this.matrix.name, ...place });
  }

  focused(event) {
    const place = this.placeOf(event);
    if (!place) return;
    this.activate(place.row, place.column);
    this.view.look({ name: this.matrix.name, ...place });
  }

  pointed(event) {
    const place = this.placeOf(event);
    this.view.look(place && { name: this.matrix.name, ...place });
  }

  pressed(event) {
    const { rows, columns } = this.window;
    let { row, column } = this.active;
    const isFar = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowLeft: () => (column -= 1),
      ArrowRight: () => (column += 1),
      ArrowUp: () => (row -= 1),
      ArrowDown: () => (row += 1),
      Home: () => ([row, column] = [isFar ? rows[0] : row, columns[0]]),
      End: () => ([row, column] = [isFar ? rows[1] - 1 : row, columns[1] - 1]),
    };
    if (event.key !== "Enter" && (!moves[event.key] || event.altKey)) {
      this.view.key(event);
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Enter") {
      this.view.open({ name: this.matrix.name, row, column }, true);
    } else {
      moves[event.key]();
      this.focus(clamp(row, rows), clamp(column, columns));
    }
  }

  /** Outline the cells that made another: each of `places` is {row, column}, either may be left out for all. */
  light(places) {
    for (const element of this.lit) element.classList.remove("lit");
    this.lit = [];
    for (const { row, column } of places) {
      const rows = row === undefined ? this.cells : [this.cells[row - this.window.rows[0]] ?? []];
      for (const cells of rows) {
        const found = column === undefined ? cells : [cells[column - this.window.columns[0]]];
        for (const cell of found) if (cell) this.lit.push(cell);
      }
      if (row !== undefined) this.mark(this.table.tBodies[0].rows[row - this.window.rows[0]]?.cells[0]);
      if (column !== undefined) this.mark(this.heads[column - this.window.columns[0]]);
    }
    for (const element of this.lit) element.classList.add("lit");
  }

  mark(element) {
    if (element) this.lit.push(element);
  }

  /** Show which cell's arithmetic is open: that of `place`, or none. */
  choose(place) {
    this.chosen?.classList.remove("chosen");
    this.chosen?.removeAttribute("aria-selected");
    this.chosen = place ? this.at(place.row, place.column) : null;
    this.chosen?.classList.add("chosen");
    this.chosen?.setAttribute("aria-selected", "true");
  }
}

function range([from, to]) {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

function clamp(at, [from, to]) {
  return Math.min(Math.max(at, from), to - 1);
}
