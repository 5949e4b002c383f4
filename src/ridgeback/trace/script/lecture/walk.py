"""The walk of a whole fit, or of one new user: half-steps, what every pair scores, rotation, and the end."""

START = '''
# ---- 3. The walk -----------------------------------------------------------------------------------------------------
#
# Users, items, users, items, ...: one side is solved while the other stands still, so no step can raise the loss.  #? !new_user !moves_gently
# Users, items, users, items, ...: one side moves while the other stands still, and no step may raise the loss.     #? !new_user moves_gently
# Only the new user is solved; the items stay as the model left them.           #? new_user

# The unknown of a row: its factors, and its bias at the end.                   #? biases
unknowns = {                                                                    #? !new_user !biases
    "users": np.array(user_factors),                                            #? !new_user !biases
    "items": np.array(item_factors),                                            #? !new_user !biases
}                                                                               #? !new_user !biases
unknowns = {"users": np.zeros((1, n_factors)), "items": np.array(item_factors)}                         #? new_user !biases
unknowns = {                                                                    #? biases
    "users": np.zeros((1, n_factors + 1)),                                      #? biases new_user
    "users": np.column_stack([user_factors, user_biases]),                      #? biases !new_user user_biases
    "users": np.column_stack([user_factors, np.zeros(len(users))]),             #? biases !new_user !user_biases
    "items": np.column_stack([item_factors, item_biases]),                      #? biases item_biases
    "items": np.column_stack([item_factors, np.zeros(len(items))]),             #? biases !item_biases
}                                                                               #? biases


def factors_of(side):
    """The factors of every row of a side."""
    return unknowns[side][:, :n_factors]


def biases_of(side):                                                            #? biases
    """The bias of every row of a side."""                                      #? biases
    return unknowns[side][:, n_factors]                                         #? biases
'''

SCORES = '''
def scores():
    """The score of every pair."""
    return factors_of("users") @ factors_of("items").T                          #? !biases
    products = factors_of("users") @ factors_of("items").T                      #? biases
    return mean + products + biases_of("users")[:, None] + biases_of("items")[None, :]      #? biases explicit
    return products + biases_of("users")[:, None] + biases_of("items")[None, :]             #? biases !explicit


def score_sizes():
    """What the terms of every score are worth."""
    sizes = abs(factors_of("users")) @ abs(factors_of("items")).T
    sizes = sizes + abs(biases_of("users"))[:, None] + abs(biases_of("items"))[None, :]     #? biases
    return sizes + abs(mean)                                                    #? biases explicit
    return sizes                                                                #? !explicit
    return sizes                                                                #? explicit !biases


def look(step):
    """Score every pair, compare with what is wanted, and add up the loss."""
    s, size = scores(), score_sizes()
    w, t = weights[listed], targets[listed]
    check(step, "predictions", s, size)                                         #? !logistic
    differences = ratings[listed] - s[listed]                                   #? explicit
    differences = 1 - s[listed]                                                 #? implicit
    off = size[listed] + abs(ratings[listed])                                   #? explicit
    off = size[listed] + 1                                                      #? implicit
    check(step, "differences", differences, off)                                #? !logistic
    terms = w * differences**2                                                  #? !hu !logistic
    worth = w * (2 * abs(differences) * off + 1e-9 * off**2)                    #? !hu !logistic
    terms = (1 + w) * differences**2 - s[listed] ** 2                           #? hu
    worth = (1 + w) * (2 * abs(differences) * off + 1e-9 * off**2) + 3 * size[listed] ** 2      #? hu
    probabilities = sigmoid(s)                                                  #? logistic
    check(step, "scores", s, size)                                              #? logistic
    check(step, "predictions", probabilities, probabilities * (1 + size))       #? logistic
    differences = probabilities[listed] - t                                     #? logistic
    check(step, "differences", differences, 1 + size[listed])                   #? logistic
    terms = w * cross_entropy(t, s[listed])                                     #? logistic
    worth = terms * (1 + size[listed]) + w * size[listed]                       #? logistic
    check(step, "terms", terms, worth)

    if step["side"] == "rotation":  # the items went back to the best iteration: no loss was taken        #? rotation goes_back
        return                                                                  #? rotation goes_back
    observed = terms.sum()
    unobserved = (s**2).sum()                                                   #? hu
    unobserved = unobserved_weight * (s**2).sum()                               #? ials
    penalty = 0.0
    for side in solved_sides:
        penalty += ridges[side] @ (factors_of(side) ** 2).sum(axis=1)
        penalty += bias_ridges[side] @ biases_of(side) ** 2                     #? biases
    loss = observed + unobserved + penalty                                      #? implicit
    loss = observed + penalty                                                   #? !implicit
'''

CHECK_LOSS = """
    check(step, "observed_loss", observed, worth.sum() + abs(terms).sum())
    check(step, "unobserved_loss", unobserved, (size**2).sum())                 #? hu
    check(step, "unobserved_loss", unobserved, unobserved_weight * (size**2).sum())         #? ials
    check(step, "regularization_loss", penalty)
    check(step, "loss", loss, worth.sum() + abs(terms).sum() + abs(loss) + (size**2).sum())     #? implicit
    check(step, "loss", loss, worth.sum() + abs(terms).sum() + abs(loss))       #? !implicit
    if "mse" in step:                                                           #? explicit
        check(step, "mse", observed / w.sum(), (worth + abs(terms)).sum() / w.sum())        #? explicit
        check(step, "rmse", np.sqrt(observed / w.sum()), np.sqrt((w * off**2).sum() / w.sum()))     #? explicit
    check(step, "cross_entropy", observed / w.sum(), (worth + abs(terms)).sum() / w.sum())      #? logistic
"""

BOUND_LOSS = """
    # The fit adds its losses up from float32 rows: they come near the sums above, and are exact among themselves.
    magnitude = abs(terms).sum() + w.sum() + loss - observed
    magnitude = (w * (ratings[listed] ** 2 + differences**2)).sum() + loss - observed       #? explicit
    bounded("the observed loss's distance", abs(observed - step["observed_loss"]), LOSS_REACH * magnitude)
    bounded("the unobserved loss's distance", abs(unobserved - step["unobserved_loss"]), LOSS_REACH * magnitude)    #? implicit
    bounded("the penalty's distance", abs(penalty - step["regularization_loss"]), LOSS_REACH * penalty + 1e-12)
    parts = [step["observed_loss"], step["regularization_loss"]]
    parts.append(step["unobserved_loss"])                                       #? implicit
    check(step, "loss", sum(parts), sum(abs(part) for part in parts), within=1e-13)
    if "mse" in step:                                                           #? explicit
        check(step, "mse", max(0, step["observed_loss"]) / w.sum())             #? explicit
        check(step, "rmse", np.sqrt(max(0, step["observed_loss"]) / w.sum()))   #? explicit
    check(step, "cross_entropy", step["observed_loss"] / w.sum())               #? logistic
"""

SHOW_LOSS = """
    print(f"  loss {loss:.9g} = {observed:.9g} listed pairs + {penalty:.9g} regularization")                #? !implicit
    print(f"  loss {loss:.9g} = {observed:.9g} met pairs + {unobserved:.9g} all pairs + {penalty:.9g} regularization")  #? implicit
    print(f"  mean squared error {observed / w.sum():.9g}")                     #? explicit
    print(f"  mean cross-entropy {observed / w.sum():.9g}")                     #? logistic
    show("predictions", s, names["users"], names["items"])                      #? !logistic
    show("probabilities", probabilities, names["users"], names["items"])        #? logistic
"""

HALF_STEP = '''
def half_step(step, side):
    """Every row of one side, one after the other."""
    if "fixed_unknowns" in step:  # in float32 rounding moves the other side a little, or the fit itself did    #? !replayed !new_user
        unknowns[other[side]] = np.array(step["fixed_unknowns"])                #? !replayed !new_user
    Y, before = factors_of(other[side]), unknowns[side]
    gram = Y.T @ Y  # over all rows of the other side                           #? full_gram
    check(step, "gram", gram, spread(np.diag(gram)))                            #? full_gram
    gram = np.array(item_gram)  # over all items of the model                   #? gram !full_gram
    if (gram != gram.T).any():                                                  #? gram !full_gram
        raise AssertionError("a Gramian is symmetric")                          #? gram !full_gram
    pairs, t, w = (seen_from(side, matrix) for matrix in (listed, targets, weights))
    check_names(step["rows"], [name for name, row in zip(names[side], pairs) if row.any()])
    rows = iter(step["rows"])
    after = np.zeros_like(before)  # a row without pairs becomes zero
    for r in range(len(after)):
        j = np.flatnonzero(pairs[r])
        if len(j) == 0:
            continue
        row = next(rows)
        offsets = biases_of(other[side])[j]                                     #? biases
        after[r] = solve_row(
            side, row, step["method"], Y[j], offsets, t[r, j], w[r, j], ridges_of(side, r), before[r], gram         #? gram
            side, row, step["method"], Y[j], offsets, t[r, j], w[r, j], ridges_of(side, r), before[r]               #? !gram
        )
        reach = np.linalg.norm(after[r]) + np.linalg.norm(before[r])            #? replayed
        check(row, "change", after[r] - before[r], reach)                       #? replayed
        check(row, "change", after[r] - before[r], 0)                           #? !replayed
    unknowns[side] = after
    show(f"{side} before", before, names[side])
    show(f"{side} after", after, names[side])
'''

ROTATION = '''
def rotate(step):
    """Turn both sides to the principal axes of the items: no score changes, and the factors stand by their energy.

    The axes are the eigenvectors of Y^T Y, the largest energy first, each so that its largest item entry is positive.
    """
    R = np.array(step["rotation"])  # axes of equal energy can stand any way: hold R to what it must be
    bounded("the distance of R^T R from 1", abs(R.T @ R - np.eye(len(R))).max(), 2e-13 * len(R))
    for side in names:
        turned = factors_of(side) @ R
        check(step, f"{side[:-1]}_factors", turned, abs(factors_of(side)) @ abs(R))     #? replayed
        after = turned                                                          #? replayed
        after = np.array(step[f"{side[:-1]}_factors"])  # as the fit stored them        #? !replayed
        bounded(f"the rotated {side}' distance", np.linalg.norm(after - turned), 1e-5 * np.linalg.norm(turned) + 1e-30)  #? !replayed !goes_back
        unknowns[side] = after                                                  #? !biases
        unknowns[side] = np.column_stack([after, biases_of(side)])              #? biases
    Y = factors_of("items")
    energies = np.diag(Y.T @ Y)
    bounded("what Y^T Y holds beside its diagonal", abs(Y.T @ Y - np.diag(energies)).max(), AXES_REACH * energies.max())
    bounded("the rise of an energy", np.diff(energies).max(initial=0), AXES_REACH * energies.max())
    print(f"  energies {energies[:12]}")
    show("users", factors_of("users"), names["users"])
    show("items", Y, names["items"])
'''

STEPS = '''
def walk(steps):
    """From the start to the end."""                                           #? !new_user
    """One step: the new user's row."""                                         #? new_user
    iteration = n_complete = 0                                                  #? !new_user
    for step in steps:
        side = step["side"]
        iteration += side == "users"                                            #? !new_user
        n_complete += side == "items"                                           #? !new_user
        check(step, "iteration", n_complete if side == "final users" else iteration, 0)     #? !new_user
        print(f"\\n==== iteration {iteration}: {side} ====")                    #? !new_user
        print(f"\\n==== {side} ====")                                           #? new_user
        if side == "start":                                                     #? !new_user
            for each in names:                                                  #? !new_user
                check(step, f"{each[:-1]}_unknowns", unknowns[each], 0)         #? !new_user
                show(each, unknowns[each], names[each])                         #? !new_user
        elif side == "rotation":                                                #? rotation
            rotate(step)                                                        #? rotation
        else:                                                                   #? !new_user
            half_step(step, "items" if side == "items" else "users")            #? !new_user
        half_step(step, "users")                                                #? new_user
        look(step)
'''

RECOMMEND = '''
# ---- 4. What to recommend: pairs that nobody has met yet, by their score ---------------------------------------------


def recommend():
    """The five best unknown items of every user."""
    s = scores()
    for user, name in enumerate(users):
        unknown = np.flatnonzero(~listed[user])                                 #? !logistic
        unknown = np.flatnonzero(~(targets[user] == 1))                         #? logistic
        best = unknown[np.argsort(-s[user, unknown], kind="stable")][:5]
        told = ", ".join(f"{items[item]} ({s[user, item]:.6g})" for item in best)
        print(f"{name}: {told or 'has met everything'}")
'''

RUN = """
check_data(RECORDED)
walk(RECORDED["steps"])
print("\\nTo recommend:")
recommend()
print(f"\\nAll {n_compared} recorded numbers were computed here, and agree.")
"""
