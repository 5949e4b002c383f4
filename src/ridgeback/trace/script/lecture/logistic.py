"""How one row of a logistic model moves."""

CURVES = '''
# ---- 2. One row has a convex loss, but no formula for its minimum ----------------------------------------------------
#
# With the other side standing still, the loss of one row with unknown u is
#
#     sum_j c_j * cross_entropy(p_j, sigmoid(s_j)) + ridge * |u|^2,    s_j = z_j . u                  #? !biases
#     sum_j c_j * cross_entropy(p_j, sigmoid(s_j)) + ridge * |u|^2,    s_j = z_j . u + b_j            #? biases
#
# over the row's listed pairs j; z_j are the factors of the other side. It is a sum, not a mean. Its gradient is
#
#     g = 2 * ridge * u + sum_j c_j (probability_j - p_j) z_j
#                                                                               #? biases
# The row's own bias is the last number of u, and each z_j ends in a 1; b_j is the other side's bias.         #? biases


def sigmoid(s):
    """1 / (1 + exp(-s)), without overflow."""
    small = np.exp(-abs(s))
    return np.where(s >= 0, 1.0, small) / (1 + small)


def cross_entropy(p, s):
    """-log of the probability that the model gives to what happened: log(1 + exp(-s)) for a yes, log(1 + exp(s)) for a no."""
    wrong = np.where(p > 0.5, -s, s)
    return np.maximum(wrong, 0) + np.log1p(np.exp(-abs(wrong)))


def surprise(p, s):
    """p - probability, exact to the last digits in both tails."""
    return np.where(p > 0.5, sigmoid(-s), -sigmoid(s))


def row_loss(u, Z, offsets, p, c, ridge):
    """The row's share of the loss."""
    return c @ cross_entropy(p, Z @ u + offsets) + ridge @ u**2


def row_gradient(u, Z, offsets, p, c, ridge):
    """Its slope."""
    return 2 * ridge * u - Z.T @ (c * surprise(p, Z @ u + offsets))


def gradient_size(u, Z, c, ridge):
    """What the terms of the gradient are worth."""
    return 2 * ridge * abs(u) + terms_of(Z, c)
'''

MAJORIZE = '''
# The row goes to the minimum of a parabola that touches its loss, at the scores before, from above: no lower than the
# loss anywhere, so its minimum cannot raise it (Jaakkola & Jordan 2000). The parabola is a ridge regression with weights
#
#     w_j = c_j tanh(s_j / 2) / (4 s_j)      (c_j / 8 at s_j = 0)


def majorize(row, u, Z, offsets, p, c, ridge):
    """One majorised step."""
    s = Z @ u + offsets
    near = abs(s) < 1e-2
    safe = np.where(near, 1.0, s)
    curvature = np.where(near, 1 / 8 - s**2 / 96 + s**4 / 960, np.tanh(safe / 2) / (4 * safe))
    w = c * curvature
    pulls = c * (2 * p - 1) / 4                                                 #? !biases
    pulls = c * (2 * p - 1) / 4 - w * offsets                                   #? biases
    A, b = Z.T @ (w[:, None] * Z) + np.diag(ridge), Z.T @ pulls
    worth = c / 4                                                               #? !biases
    worth = c / 4 + abs(w * offsets)                                            #? biases
    check(row, "weights", w)
    check(row, "pulls", pulls, worth)
    check(row, "A", A, spread(w @ Z**2) + np.diag(ridge))
    check(row, "b", b, terms_of(Z, worth))
    x = np.linalg.solve(A, b)                                                   #? !singular
    x = majorized_minimum(A, b, u, row_gradient(u, Z, offsets, p, c, ridge))    #? singular
    show_row(row, A=A, b=b, x=x)
    check_solution(row, A, terms_of(Z, worth), x)
    return x
'''

SINGULAR_MAJORIZE = '''
def majorized_minimum(A, b, u, gradient):
    """A^-1 b; where A is singular, the minimum that is nearest to where the row stands."""
    energies = np.linalg.eigvalsh(A)
    if energies[0] > 1e-12 * energies[-1]:
        return np.linalg.solve(A, b)
    return u + np.linalg.pinv(A, rcond=1e-12, hermitian=True) @ (-gradient / 2)
'''

DESCEND = '''
# The row takes one step down its gradient: this is gradient descent, not least squares.
# Each number's step is divided by the root of the sum of its squared gradients so far (AdaGrad).            #? adagrad
# A step that would raise the row's loss is halved until it does not, forty times at most.


def descend(row, u, g, squares, Z, offsets, p, c, ridge):
    """One step of size step_size / 2^halvings."""
    step = -step_size * g                                                       #? gradient
    root = np.sqrt(squares)                                                     #? adagrad
    step = -step_size * np.divide(g, root, out=np.zeros_like(g), where=root > 0)    #? adagrad
    before, length = row_loss(u, Z, offsets, p, c, ridge), np.linalg.norm(step)
    x, halvings = u, 41
    for n in range(41):
        candidate = u + step
        candidate = candidate.astype(np.float32).astype(float)  # as the fit stores it      #? single
        if row_loss(candidate, Z, offsets, p, c, ridge) <= before:
            x, halvings = candidate, n
            break
        step = step / 2
    check(row, "n_halvings", halvings, 0)
    check(row, "x", x, abs(u) + abs(x) + length)                                #? !single
    check(row, "x", x, abs(x) + 1e-6 * np.linalg.norm(x), within=2e-7)          #? single
    show_row(row, gradient=g, x=x)
    return x


squares_so_far = {}                                                             #? adagrad


def add_squares(side, row, u, g):                                                   #? adagrad
    """The sum of the row's squared gradients, number by number; over the whole fit."""     #? adagrad
    squares = squares_so_far.get((side, row["name"]), np.zeros_like(g)) + g**2   #? adagrad
    check(row, "squares", squares)                                              #? adagrad replayed
    check(row, "squares", squares, within=1e-4)                                 #? adagrad !replayed
    squares = np.array(row["squares"])  # of the fit's own float32 factors      #? adagrad !replayed
    squares_so_far[side, row["name"]] = squares                          #? adagrad
    return squares                                                              #? adagrad
'''

NEWTON = '''
# At the end every user goes to the optimum, by Newton steps from zero that are halved until the loss falls.     #? !new_user
# A new user goes to the optimum, by Newton steps from zero that are halved until the loss falls.                #? new_user


def half_hessian(u, Z, offsets, c, ridge):
    """Half the second derivative of the row's loss."""
    probability = sigmoid(Z @ u + offsets)
    return Z.T @ ((c * probability * (1 - probability) / 2)[:, None] * Z) + np.diag(ridge)


def optimum(Z, offsets, p, c, ridge):
    """Where the gradient is zero; None where it never is: without a ridge, and with answers that can be separated."""
    u = np.zeros(len(ridge))
    loss = row_loss(u, Z, offsets, p, c, ridge)
    for _ in range(100 if (ridge == 0).any() else 1000):
        g = row_gradient(u, Z, offsets, p, c, ridge)
        surprises = c * abs(surprise(p, Z @ u + offsets))
        if np.linalg.norm(g) <= 1e-10 * (surprises @ np.linalg.norm(Z, axis=1) + np.linalg.norm(2 * ridge * u)):
            return u if np.linalg.norm(u) <= 1e38 else None
        H = half_hessian(u, Z, offsets, c, ridge)
        energies = np.linalg.eigvalsh(H)
        is_singular = not energies[0] > 1e-12 * max(energies[-1], 0)
        step = np.linalg.pinv(H, rcond=1e-12, hermitian=True) @ (-g / 2) if is_singular else np.linalg.solve(H, -g / 2)
        for _ in range(40):
            lower = row_loss(u + step, Z, offsets, p, c, ridge)
            if lower <= loss * (1 + 1e-13):
                break
            step = step / 2
        u, loss = u + step, lower
    return None


def go_to_optimum(row, u, Z, offsets, p, c, ridge):
    """The optimum, or the row as it stands where there is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = optimum(Z, offsets, p, c, ridge)
    x = u if found is None else found
    A = half_hessian(x, Z, offsets, c, ridge)
    energies, size = np.linalg.eigvalsh(A), gradient_size(x, Z, c, ridge)
    reach = 0.0 if found is None else np.linalg.norm(size) / max(energies[0], 1e-12 * energies[-1])
    check(row, "x", x, np.linalg.norm(x) + 0.1 * reach, within=1e-9)
    check(row, "A", A, spread(c @ Z**2) + np.diag(ridge))
    check(row, "gradient", row_gradient(x, Z, offsets, p, c, ridge), size, within=1e-9)
    show_row(row, half_hessian=A, x=x)
    return x
'''

SOLVE = '''
def solve_row(side, row, method, Y, offsets, t, w, ridge, before):
    """Move one row, and hold every number on the way against the record; where the row stands afterwards."""
    Z = np.hstack([Y, np.ones((len(Y), 1))])                                    #? biases
    check(row, "targets", t)
    check(row, "confidences", w)
    if method == "newton":                                                      #? newton moves
        x = go_to_optimum(row, before, Z, offsets, t, w, ridge)                 #? newton moves
    else:                                                                       #? newton moves
        x = move(side, row, before, Z, offsets, t, w, ridge)                          #? newton moves
    x = go_to_optimum(row, before, Z, offsets, t, w, ridge)                     #? newton !moves
    x = move(side, row, before, Z, offsets, t, w, ridge)                              #? !newton moves
    return x                                                                    #? replayed
    after = np.array(row["after"])  # what the fit stored, in float32           #? !replayed single
    after = np.array(row["after"])  # what the fit stored                       #? !replayed !single
    bounded("the stored row's distance from x", distance(after, x), REACH)      #? !replayed
    return after                                                                #? !replayed
'''

MOVE = '''
def move(side, row, u, Z, offsets, p, c, ridge):
    """One step of a row from where it stands."""
    g = row_gradient(u, Z, offsets, p, c, ridge)
    check(row, "gradient", g, gradient_size(u, Z, c, ridge))
    return majorize(row, u, Z, offsets, p, c, ridge)                            #? majorize
    return descend(row, u, g, Z, offsets, p, c, ridge)                    #? gradient
    return descend(row, u, g, add_squares(side, row, u, g), Z, offsets, p, c, ridge)  #? adagrad
'''
