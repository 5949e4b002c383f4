// A check holds what the page computed against what the record says.

import { TOLERANCE } from "./numbers.js";

/**
 * `scale` is the sum of the terms' absolute values; `tolerance` is more than 1e-9 only where the fit itself stores
 * float32. `computed` and `recorded` may be arrays, nested or not; the entry that is furthest off then stands for all.
 */
export function check(what, computed, recorded, scale, tolerance = TOLERANCE) {
  const worst = { what, computed: null, recorded: null, gap: 0, allowed: 0, isEqual: true, excess: -Infinity };
  compare(computed, recorded, scale, tolerance, worst);
  return worst;
}

function compare(computed, recorded, scale, tolerance, worst) {
  if (Array.isArray(computed)) {
    const isAlike = Array.isArray(recorded) && recorded.length === computed.length;
    computed.forEach((part, at) => {
      compare(part, isAlike ? recorded[at] : null, Array.isArray(scale) ? scale[at] : scale, tolerance, worst);
    });
    return;
  }
  const gap = Math.abs(computed - recorded);
  const allowed = tolerance * scale;
  const isEqual = recorded !== null && recorded !== undefined && gap <= allowed;
  const excess = isEqual ? gap - allowed : Infinity;
  worst.isEqual = worst.isEqual && isEqual;
  if (excess > worst.excess) Object.assign(worst, { computed, recorded, gap, allowed, excess });
}

/** A condition that is no equation, such as "the loss did not rise". */
export function holds(what, isTrue, computed, recorded) {
  return { what, computed, recorded, gap: Math.abs(computed - recorded), allowed: null, isEqual: Boolean(isTrue) };
}
