"""The walk of watched rows: each step from stored neighbours."""

PAIRS_EXPLICIT = '''
# ---- 1. Which pairs count, and what is wanted ------------------------------------------------------------------------
#
# Ratings are explicit: a pair that nobody rated says nothing. A prediction is
#
#     s = x_user . y_item                                                       #? !biases
#     s = mean + bias_user + bias_item + x_user . y_item                        #? biases
#
# and is to come near the rating, the more so the larger the pair's weight w.


def wanted(row):
    """Targets and weights of a row's pairs."""
    t = np.array(row["ratings"]) - mean                                         #? biases
    t = np.array(row["ratings"])                                                #? !biases
    return t, np.ones(len(t))                                                   #? ones
    return t, np.array(row["weights"])                                          #? !ones
'''

PAIRS_IMPLICIT = '''
# ---- 1. Which pairs count, and what is wanted ------------------------------------------------------------------------
#
# Data are implicit: what a user met has preference 1, and everything else 0. The score s = x_user . y_item is to come near
# the preference. A pair that was met pulls with a weight of its own:
#
#     sum over met pairs of w (1 - s)^2  +  unobserved_weight * sum over ALL pairs of s^2            #? ials
#     sum over met pairs of [(1 + w)(1 - s)^2 - s^2]  +  sum over ALL pairs of s^2                   #? hu
#
# (Rendle et al. 2022; Hu, Koren, Volinsky 2008.) The sum over all pairs needs nothing of them but Y^T Y.


def wanted(row):
    """Targets and weights of a row's pairs."""
    t = np.ones(len(row["neighbours"]))
    return t, np.ones(len(t))                                                   #? ones
    return t, np.array(row["weights"])                                          #? !ones
'''

PAIRS_LOGISTIC = '''
# ---- 1. Which pairs count, and what is wanted ------------------------------------------------------------------------
#
# Each listed pair has a target p, 1 for a yes and 0 for a no, and a confidence c. The score of a pair is
#
#     s = x_user . y_item                                                       #? !biases
#     s = bias_user + bias_item + x_user . y_item                               #? biases
#
# and the probability of a yes is sigmoid(s) = 1 / (1 + exp(-s)).


def wanted(row):
    """Targets and confidences of a row's pairs."""
    p = np.array(row["answers"])
    if not np.isin(p, (0, 1)).all():
        raise AssertionError("an answer is 0 or 1")
    return p, np.ones(len(p))                                                   #? ones
    return p, np.array(row["weights"])                                          #? !ones
'''

RIDGE = '''
def ridge_of(row):
    """What the row pays for each number of its unknown: ridge * |x|^2 is added to the loss."""
    return np.full(n_factors, row["ridge"])                                     #? !biases
    return np.append(np.full(n_factors, row["ridge"]), row["bias_ridge"])       #? biases
'''

LOOK = '''
def look(row, Y, offsets, t, w, x):
    """What the row says of each of its pairs, and its share of the loss."""
    s, size = Y @ x, abs(Y) @ abs(x)                                            #? !biases
    s = Y @ x[:-1] + offsets + x[-1]                                            #? biases !explicit
    s = mean + Y @ x[:-1] + offsets + x[-1]                                     #? biases explicit
    size = abs(Y) @ abs(x[:-1]) + abs(offsets) + abs(x[-1])                     #? biases !explicit
    size = abs(mean) + abs(Y) @ abs(x[:-1]) + abs(offsets) + abs(x[-1])         #? biases explicit
    check(row, "predictions", s, size)                                          #? !logistic
    differences = t - s                                                         #? !biases !logistic
    differences = t + mean - s                                                  #? biases explicit
    off = size + abs(t)                                                         #? !logistic
    check(row, "differences", differences, off)                                 #? !logistic
    check(row, "terms", w * differences**2, w * (2 * abs(differences) * off + 1e-9 * off**2))       #? !hu !logistic
    terms = (1 + w) * differences**2 - s**2                                     #? hu
    check(row, "terms", terms, (1 + w) * 2 * off**2 + size**2)                  #? hu
    probabilities = sigmoid(s)                                                  #? logistic
    check(row, "scores", s, size)                                               #? logistic
    check(row, "predictions", probabilities, probabilities * (1 + size))        #? logistic
    check(row, "differences", probabilities - t, 1 + size)                      #? logistic
    terms = w * cross_entropy(t, s)                                             #? logistic
    check(row, "terms", terms, terms * (1 + size) + w * size)                   #? logistic
    show_row(row, predictions=s)                                                #? !logistic
    show_row(row, probabilities=probabilities)                                  #? logistic
'''

ROTATE = '''
def rotate(step, stands):
    """Turn the users to the principal axes of the items: no score changes, and the factors stand by their energy."""
    R = np.array(step["rotation"])
    bounded("the distance of R^T R from 1", abs(R.T @ R - np.eye(len(R))).max(), 2e-13 * len(R))
    for name, after in step["users"].items():
        turned = stands["users", name].copy()
        if len(turned):
            turned[:n_factors] = turned[:n_factors] @ R
            bounded("a rotated row's distance", distance(np.array(after), turned), 1e-4)
        stands["users", name] = np.array(after)
'''

WALK = '''
# ---- 3. The walk -----------------------------------------------------------------------------------------------------
#
# In each step one side is solved while the other stands still; here the watched rows of it.


def walk(steps):
    """Every watched row, step by step."""
    stands = {}
    for side in watched:
        for name, row in watched[side].items():
            stands[side, name] = np.array(row.get("start", []))
    iteration, first = 0, "users" if "users" in watched else "items"
    for step, still in zip(steps, standing, strict=True):
        iteration += step["side"] == first
        print(f"\\n==== iteration {iteration}: {step['side']} ====")
        if step["side"] == "rotation":                                          #? rotation
            rotate(step, stands)                                                #? rotation
            continue                                                            #? rotation
        side = "items" if step["side"] == "items" else "users"
        gram = np.array(still["gram"])                                          #? gram
        if (gram != gram.T).any():                                              #? gram
            raise AssertionError("a Gramian is symmetric")                      #? gram
        check(step, "energies", np.diag(gram), 0)                               #? gram
        check_names(step["rows"], watched[side])
        for name, before in still.get("before", {}).items():  # turned by rounding, or by the fit itself
            stands[side, name] = np.array(before)
        for row in step["rows"]:
            given, before = watched[side][row["name"]], stands[side, row["name"]]
            others = np.array([still["unknowns"][name] for name in given["neighbours"]])
            Y = others                                                          #? !biases
            Y, offsets = others[:, :n_factors], others[:, n_factors]            #? biases
            t, w = wanted(given)
            after = solve_row(
                side, row, step["method"], Y, offsets, t, w, ridge_of(given), before, gram      #? gram
                side, row, step["method"], Y, offsets, t, w, ridge_of(given), before            #? !gram
            )
            check(row, "change", after - before, 0)
            look(row, Y, offsets, t, w, after)
            stands[side, row["name"]] = after
'''

RUN = """
walk(RECORDED["steps"])
print(f"\\nAll {n_compared} recorded numbers of the watched rows were computed here, and agree.")
print("Not computed: all other rows, and with them the neighbours' factors, the Gramians and the losses of the whole fit.")
"""
