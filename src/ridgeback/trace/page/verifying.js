// Every number of a trace, done again: for the page's button, and for whoever has a record and no page.

import { cellsOf, workOf } from "./arithmetic.js";
import { Trace } from "./record.js";

/** A finding for every cell of every step: {step, cell, heading, isEqual, isComputed}. */
export function* findings(trace) {
  for (let step = 0; step < trace.steps.length; step++) {
    for (const cell of cellsOf(trace, step)) {
      const { heading, checks, isEqual } = workOf(trace, step, cell);
      yield { step, cell, heading, isEqual, isComputed: checks.length > 0 };
    }
  }
}

/** Findings added up: how many numbers were computed, how many come from nothing, and which are not what was recorded. */
export class Tally {
  constructor() {
    this.n = 0;
    this.nothing = 0;
    this.failures = [];
  }

  add(finding) {
    if (finding.isComputed) this.n += 1;
    else this.nothing += 1;
    if (!finding.isEqual) this.failures.push(finding);
  }
}

/** The tally of a record, at once. */
export function verify(record) {
  const tally = new Tally();
  for (const finding of findings(new Trace(record))) tally.add(finding);
  return tally;
}
