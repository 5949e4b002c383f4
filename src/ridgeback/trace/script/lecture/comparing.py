"""How a script holds what it computes against the record, and how it shows a matrix."""

CHECK = '''
n_compared = 0


def check(record, name, here, size=None, within=WITHIN):
    """Hold a computed number, or an array of them, against the recorded one.

    They may differ by `within` of `size`: what the terms are worth that the number is the sum of (itself, where none is
    given). A recorded 0 also stands for whatever is too small beside its terms to be told apart from rounding.
    """
    global n_compared
    here, there = np.asarray(here, dtype=float), np.asarray(record[name], dtype=float)
    if here.shape != there.shape:
        raise AssertionError(f"{name}: computed {here.shape} numbers, recorded {there.shape}")
    allowed = within * np.broadcast_to(abs(here) if size is None else size, here.shape)
    allowed = np.where(there == 0, 300 * allowed, allowed)
    if not (abs(here - there) <= allowed).all():
        raise AssertionError(f"{name}: computed {here}, recorded {there}")
    n_compared += here.size
'''

SHOW = '''
def bounded(what, number, bound):
    """Some numbers say how good others are: these are held below a bound, not compared."""
    if not number <= bound:
        raise AssertionError(f"{what} is {number}, and should be at most {bound}")


def distance(after, x):                                                         #? !replayed
    """Norm of after - x as a share of that of x."""                            #? !replayed
    return np.linalg.norm(after - x) / max(np.linalg.norm(x), 1e-300)           #? !replayed


def spread(energies):
    """What sum_j y_jf y_jg is worth at most, from every factor's sum of squares (Cauchy and Schwarz)."""
    energies = energies + 1e-8 * energies.max(initial=0)  # a factor may have come down to rounding     #? replayed
    return np.sqrt(np.outer(energies, energies))


def terms_of(Z, c):
    """What every number of sum_j c_j z_j is worth."""
    terms = abs(Z).T @ abs(c)
    return terms + 1e-4 * terms.max(initial=0)                                  #? replayed
    return terms                                                                #? !replayed


def check_names(rows, names):
    """The recorded rows must be these, in this order."""
    if [row["name"] for row in rows] != list(names):
        raise AssertionError(f"the record has the rows {[row['name'] for row in rows]}, not {list(names)}")


def show(title, matrix, row_names, column_names=None):
    """Print a matrix with the names of its rows and columns; the first twelve of each."""
    print(f"  {title}")
    if column_names is not None:
        print(" " * 18 + "".join(f"{name[:11]:>13}" for name in column_names[:12]))
    for name, row in list(zip(row_names, matrix))[:12]:
        print(f"    {name[:13]:<14}" + "".join(f"{value:13.6g}" for value in row[:12]))


def show_row(row, **numbers):
    """Print what one row was solved from."""
    print(f"  {row['name']}")
    for label, value in numbers.items():
        print(f"    {label} = " + np.array2string(np.asarray(value), precision=6, prefix=" " * (7 + len(label))))
'''

SOLUTION = '''
def check_solution(row, A, b_size, x):
    """Hold x against the record, as far as rounding leaves it to be known: that grows with A's condition number."""
    energies = np.linalg.eigvalsh(A)
    kept = energies[energies > 1e-12 * energies[-1]]
    reach = (kept.max() * np.linalg.norm(x) + np.linalg.norm(b_size)) / kept.min() if len(kept) else 0.0
    check(row, "x", x, np.linalg.norm(x) + 1e-5 * reach, within=1e-9)
    condition = energies[-1] / energies[0] if len(kept) == len(A) else np.inf
    print(f"    condition number {condition:.3g}" + ("" if np.isfinite(condition) else ": A is singular"))
'''
