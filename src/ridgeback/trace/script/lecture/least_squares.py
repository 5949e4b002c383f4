"""How one row of a least-squares model is solved."""

SOLVE = '''
# ---- 2. One row is a ridge regression --------------------------------------------------------------------------------
#
# With the other side standing still, the loss of one row is a quadratic in its unknown x. Set its slope to zero:
#
#     A x = b,    A = sum_j w_j z_j z_j^T + diag(ridge),    b = sum_j c_j z_j                             #? explicit
#     A x = b,    A = sum_j w_j z_j z_j^T + unobserved_weight * Y^T Y + diag(ridge),    b = sum_j w_j z_j         #? ials
#     A x = b,    A = sum_j w_j z_j z_j^T + Y^T Y + diag(ridge),    b = sum_j (1 + w_j) z_j                       #? hu
#
# The sums go over the row's listed pairs j, z_j are the factors of the other side, and c_j = w_j t_j its pulls.  #? explicit
# The sums go over the row's listed pairs j, z_j are the factors of the other side. Y^T Y goes over all of them.  #? implicit
# The row's own bias is solved in the same system: it is the last number of x, and each z_j ends in a 1.          #? biases


def solve_row(side, row, method, Y, offsets, t, w, ridge, before, gram):        #? gram
def solve_row(side, row, method, Y, offsets, t, w, ridge, before):              #? !gram
    """Solve one row, and hold every number on the way against the record; where the row stands afterwards."""
    Z = np.hstack([Y, np.ones((len(Y), 1))])                                    #? biases
    t = t - offsets  # the other side's biases explain a part of each rating    #? biases
    c = w * t                                                                   #? explicit
    c = w                                                                       #? ials
    c = 1 + w                                                                   #? hu
    A = Z.T @ (w[:, None] * Z) + np.diag(ridge)
    A += unobserved_weight * gram                                               #? ials gram
    A += gram                                                                   #? hu gram
    b = Z.T @ c
    x = np.linalg.solve(A, b)                                                   #? !singular !non_negative
    x = least_norm_solution(A, b)                                               #? singular !non_negative
    x = solve_non_negative(row, A, b)                                           #? non_negative
    show_row(row, A=A, b=b, x=x)

    energies = w @ Z**2                                                         #? !gram
    energies = w @ Z**2 + unobserved_weight * np.diag(gram)                     #? ials gram
    energies = w @ Z**2 + np.diag(gram)                                         #? hu gram
    worth = abs(c)                                                              #? !biases
    worth = w * (abs(t) + abs(mean) + abs(offsets))                             #? biases
    check(row, "targets", t, abs(t) + abs(mean) + abs(offsets))                 #? biases
    check(row, "targets", t)                                                    #? !biases
    check(row, "weights", w)
    check(row, "pulls", c, worth)
    check(row, "A", A, spread(energies) + np.diag(ridge))
    check(row, "b", b, terms_of(Z, worth))
    check_solution(row, A, terms_of(Z, worth), x)                                 #? !non_negative
    check_solution(row, A, terms_of(Z, worth), x)                               #? non_negative !singular
    if "x" in row:                                                              #? non_negative singular
        check_solution(row, A, terms_of(Z, worth), x)                           #? non_negative singular
    residual = np.linalg.norm(A @ x - b)                                        #? !non_negative
    bounded("|A x - b|", residual, 1e-9 * np.linalg.norm(abs(A) @ abs(x) + terms_of(Z, worth)))       #? !non_negative
    if method == "cg":                                                          #? cg
        return approach(row, A, b, x, before, ridge[0], gram)                   #? cg gram
        return approach(row, A, b, x, before)                                   #? cg !gram
    return x                                                                    #? replayed
    after = np.array(row["after"])  # what the fit stored, in float32           #? !replayed single
    after = np.array(row["after"])  # what the fit stored                       #? !replayed !single
    bounded("the stored row's distance from x", distance(after, x), REACH)      #? !replayed
    return after                                                                #? !replayed
'''

LEAST_NORM = '''
def least_norm_solution(A, b):
    """A^-1 b; where A is singular many x solve A x = b as well as can be, and this is the shortest."""
    energies = np.linalg.eigvalsh(A)
    if not energies[0] > 1e-12 * max(energies[-1], 0):
        return np.linalg.pinv(A, rcond=1e-12, hermitian=True) @ b
    return np.linalg.solve(A, b)
'''

NON_NEGATIVE = '''
# Factors must not be negative: the same quadratic, and its minimum where x >= 0 (Lawson & Hanson 1974). Solve on a set of
# positive factors; drop those that would turn negative; take in the one that the slope asks for most; until none does.


def solve_non_negative(row, A, b):
    """The minimum of x A x - 2 b x over x >= 0."""                             #? !biases
    """The minimum of x A x - 2 b x with factors >= 0; the bias may be negative."""     #? biases
    if "x" not in row:                                                          #? singular
        return checked_minimum(row, A, b)                                       #? singular
    is_factor = np.arange(len(b)) < n_factors
    x, is_free = np.zeros(len(b)), ~is_factor
    for _ in range(100 * len(b)):
        y = np.zeros(len(b))
        y[is_free] = np.linalg.solve(A[np.ix_(is_free, is_free)], b[is_free])
        falling = is_free & is_factor & (y <= 0)
        if falling.any():
            shares = np.full(len(b), np.inf)
            shares[falling] = x[falling] / (x[falling] - y[falling])
            x = x + shares.min() * (y - x)
            is_free[shares.argmin()] = False
            x[~is_free] = 0
            continue
        x = y
        slope = A @ x - b
        wants = ~is_free & (slope < -1e-12 * (abs(A) @ abs(x) + abs(b)))
        if not wants.any():
            return x
        is_free[np.where(wants, slope / np.sqrt(np.diag(A).clip(1e-300)), 0).argmin()] = True
    raise AssertionError("no minimum was found")
'''

CHECKED_MINIMUM = '''
def checked_minimum(row, A, b):
    """Where A is singular many x are minima: take the one that the fit found, and bound its slope."""
    x = np.array(row["after"])
    slope, size = A @ x - b, abs(A) @ abs(x) + abs(b)
    is_bound = (np.arange(len(b)) < n_factors) & (x == 0)
    bounded("a factor is negative:", -x[:n_factors].min(), 0)
    bounded("the slope at x", np.where(is_bound, np.maximum(-slope, 0), abs(slope)).max(), 1e-2 * size.max())
    return x
'''

CONJUGATE_GRADIENT = '''
# The fit does not solve each row to the end: from where the row stands it takes a few steps of conjugate gradient towards
# x (Hestenes & Stiefel 1952), each along a direction that does not undo the ones before. The steps are preconditioned by
# the part of A that all rows share, unobserved_weight * Y^T Y + ridge, inverted once in the Gramian's own axes.          #? ials
# the part of A that all rows share, Y^T Y + ridge, inverted once in the Gramian's own axes.                              #? hu
# the diagonal of A.                                                            #? explicit


def inverted(energies):
    """1 / energies, with care where they are next to nothing."""
    largest = energies.max()
    return np.where(energies > 1e-12 * largest, 1 / np.maximum(energies, max(1e-7 * largest, 1e-300)), 0.0)


def preconditioner(ridge, gram):                                                #? implicit
def preconditioner(A):                                                          #? explicit
    """A matrix near A^-1 that costs nothing."""
    return np.diag(inverted(np.diag(A)))                                        #? explicit
    energies, axes = np.linalg.eigh(gram)                                       #? implicit
    energies = np.where(energies > 1e-12 * energies[-1], energies, 0.0)         #? implicit
    return (axes * inverted(unobserved_weight * energies + ridge)) @ axes.T     #? ials
    return (axes * inverted(energies + ridge)) @ axes.T                         #? hu


def steps_towards(A, b, x, P, n_steps):
    """Every x on the way, the start left out; fewer than n_steps where rounding leaves nothing to gain."""
    r = b - A @ x
    p = z = P @ r
    residual = r @ z
    scale = residual + x @ A @ x
    way = []
    while len(way) < n_steps:
        q = A @ p
        if residual <= 1e-14 * scale or p @ q <= 0:
            break
        length = residual / (p @ q)
        x, r = x + length * p, r - length * q
        z = P @ r
        residual, previous = r @ z, residual
        p = z + residual / previous * p
        way.append(x)
    return way


def approach(row, A, b, x, before, ridge, gram):                                #? implicit
def approach(row, A, b, x, before):                                             #? explicit
    """Where conjugate gradient leaves the row."""
    P = preconditioner(ridge, gram)                                             #? implicit
    P = preconditioner(A)                                                       #? explicit
    way = steps_towards(A, b, before, P, n_cg_steps)                            #? replayed cg_bound
    way = steps_towards(A, b, before, P, 10 * len(b))                           #? replayed !cg_bound
    after = way[-1] if way else before                                          #? replayed
    check(row, "n_steps", len(way), 0)                                          #? replayed
    check(row, "after", after, np.linalg.norm(after) + np.linalg.norm(x))       #? replayed
    n_steps = len(way)                                                          #? replayed
    way = [before, *steps_towards(A, b, before, P, 3 * len(b) + 10)]            #? !replayed
    after = np.array(row["after"])  # what the fit stored, in float32           #? !replayed single
    after = np.array(row["after"])  # what the fit stored                       #? !replayed !single
    reach = np.linalg.norm(x) + np.linalg.norm(before)                          #? !replayed
    gaps = [np.linalg.norm(after - each) / max(reach, 1e-300) for each in way]  #? !replayed
    n_steps = int(np.argmin(gaps))                                              #? !replayed
    bounded("the stored row's distance from every step", gaps[n_steps], STEPS_REACH)    #? !replayed
    print(f"    after {n_steps} steps of conjugate gradient: {after[:12]}")
    return after
'''
