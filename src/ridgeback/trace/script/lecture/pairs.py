"""Which pairs count, what is wanted of them and how much: the first part of each lecture."""

SIDES = '''
names = {"users": users, "items": items}
other = {"users": "items", "items": "users"}
n_factors = len(item_factors[0])
solved_sides = ["users"]                                                        #? new_user
solved_sides = ["users", "items"]                                               #? !new_user


def seen_from(side, matrix):
    """A users x items matrix with the rows of one side as its rows."""
    return matrix if side == "users" else matrix.T
'''

EXPLICIT = """
# ---- 1. Which pairs count, and what is wanted ------------------------------------------------------------------------
#
# Ratings are explicit: a pair that nobody rated says nothing, and is in no sum below. A prediction is
#
#     s = x_user . y_item                                                       #? !biases
#     s = mean + bias_user + bias_item + x_user . y_item                        #? biases
#
# and is to come near the rating, the more so the larger the pair's weight w.

listed = ~np.isnan(ratings)
weights = np.where(listed, 1.0, np.nan)  # every rating counts alike            #? ones
weights = pair_weights                                                          #? given
mean = np.average(ratings[listed], weights=weights[listed])                     #? biases mean
targets = ratings - mean                                                        #? biases
targets = ratings                                                               #? !biases
n_ratings = {side: seen_from(side, listed).sum(axis=1) for side in names}       #? exponent
"""

IMPLICIT = """
# ---- 1. Which pairs count, and what is wanted ------------------------------------------------------------------------
#
# Data are implicit: what a user met has preference 1, and everything else 0. The score s = x_user . y_item is to come near
# the preference. A pair that was met pulls with a weight of its own:
#
#     sum over met pairs of w (1 - s)^2  +  unobserved_weight * sum over ALL pairs of s^2            #? ials
#     sum over ALL pairs of c (p - s)^2,  with confidence c = 1 + w where met and 1 elsewhere        #? hu
#
# (Rendle et al. 2022.) The second sum asks for 0 everywhere, gently: without it all scores could be 1.        #? ials
# (Hu, Koren, Volinsky 2008, w = alpha * count.) Written over met pairs, and over all of them:                 #? hu
#                                                                                                              #? hu
#     sum over met pairs of [(1 + w)(1 - s)^2 - s^2]  +  sum over ALL pairs of s^2                             #? hu

if not np.isin(preferences, (0, 1)).all():                                      #? ones
    raise AssertionError("a preference is 0 or 1")                              #? ones
listed = preferences == 1                                                       #? ones
listed = counts > 0                                                             #? alpha
listed = ~np.isnan(pair_weights)                                                #? given
weights = np.where(listed, 1.0, np.nan)                                         #? ones
weights = np.where(listed, alpha * counts, np.nan)                              #? alpha
weights = pair_weights                                                          #? given
targets = np.where(listed, 1.0, np.nan)
n_met = {side: seen_from(side, listed).sum(axis=1) for side in names}           #? counted
"""

FREQUENT = """
# Frequent users and items would drown the rest: f = n_user^-a n_item^-b, with mean 1 over the pairs, makes them lighter.
frequency = np.ones(listed.shape)
frequency = frequency / np.maximum(n_met["users"], 1)[:, None] ** user_weight_exponent              #? user_frequent
frequency = frequency / np.maximum(n_met["items"], 1)[None, :] ** item_weight_exponent              #? item_frequent
weights = weights * frequency / frequency[listed].mean()
"""

LOGISTIC = """
# ---- 1. Which pairs count, and what is wanted ------------------------------------------------------------------------
#
# Each listed pair has a target p, 1 for a yes and 0 for a no, and a confidence c. The score of a pair is
#
#     s = x_user . y_item                                                       #? !biases
#     s = bias_user + bias_item + x_user . y_item                               #? biases
#
# and the probability of a yes is sigmoid(s) = 1 / (1 + exp(-s)). Three different things: the target is what happened,
# the confidence how much it counts, the probability what the model says.

if not (np.isnan(answers) | np.isin(answers, (0, 1))).all():                    #? !alpha
    raise AssertionError("an answer is 0 or 1")                                 #? !alpha
stored = ~np.isnan(answers)                                                     #? !alpha
targets = answers.copy()                                                        #? !alpha
stored = ~np.isnan(counts)                                                      #? alpha
targets = np.where(stored, counts > 0, np.nan)                                  #? alpha
targets[~stored] = 0  # what nobody stored is taken for a no                    #? all_noes
for user, item in implied_noes:                                                 #? drawn_noes
    targets[users.index(user), items.index(item)] = 0                           #? drawn_noes
listed = ~np.isnan(targets)
weights = np.where(listed, 1.0, np.nan)                                         #? ones
weights = np.where(listed, np.where(targets == 1, alpha * counts, 1.0), np.nan)  # a no counts once    #? alpha
weights = pair_weights                                                          #? given
n_stored = {side: seen_from(side, stored).sum(axis=1) for side in names}        #? exponent
"""

RIDGES = '''
# Every row pays for its length: ridge * |x|^2 is added to the loss.                                         #? !biases
# Every row pays for its length and its bias: ridge * |x|^2 + bias_ridge * bias^2 is added to the loss.      #? biases
# A row with more pairs pays more: regularization * frequency ^ frequency_exponent.                          #? exponent

ridges = {}
bias_ridges = {}                                                                #? biases
for side in solved_sides:                                                       #? follows
    frequency = n_ratings[side]                                                 #? explicit exponent
    frequency = n_met[side]                                                     #? implicit exponent
    frequency = n_stored[side]                                                  #? logistic exponent
    frequency = frequency + unobserved_weight * len(names[other[side]])         #? counts_all exponent complete
    frequency = frequency + unobserved_weight * n_items                         #? counts_all exponent !complete
    ridges[side] = regularization * frequency**frequency_exponent               #? exponent
    bias_ridges[side] = bias_regularization * frequency**frequency_exponent     #? exponent biases
    ridges[side] = np.full(len(names[side]), regularization)                    #? follows !exponent
    bias_ridges[side] = np.full(len(names[side]), bias_regularization)          #? follows !exponent biases
ridges["users"] = np.array(user_ridges)                                         #? !follows
ridges["items"] = np.array(item_ridges)                                         #? !follows !new_user
bias_ridges["users"] = np.array(user_bias_ridges)                               #? !follows biases
bias_ridges["items"] = np.array(item_bias_ridges)                               #? !follows biases !new_user


def ridges_of(side, r):
    """What the row pays for each number of its unknown."""
    return np.full(n_factors, ridges[side][r])                                  #? !biases
    return np.append(np.full(n_factors, ridges[side][r]), bias_ridges[side][r])  #? biases

'''

CHECK_DATA = '''
def check_data(record):
    """What the settings make of the data."""
    for side in solved_sides:
        check(record, f"{side[:-1]}_ridges", ridges[side])
        check(record, f"{side[:-1]}_bias_ridges", bias_ridges[side])            #? biases
    pairs, t, w = record["pairs"], targets[listed], weights[listed]
    check(record, "mean", mean, abs(mean) + abs(ratings[listed]).max())         #? biases explicit
    check(pairs, "target", t, abs(t) + abs(mean))                               #? biases explicit
    check(pairs, "target", t)                                                   #? !explicit
    check(pairs, "target", t)                                                   #? explicit !biases
    check(pairs, "weight", w)
    check(pairs, "pull", w * t, w * (abs(t) + abs(mean)))                       #? explicit biases
    check(pairs, "pull", w * t)                                                 #? explicit !biases
    check(pairs, "pull", w)                                                     #? ials
    check(pairs, "pull", 1 + w)                                                 #? hu
    check(record, "item_sums", abs(unknowns["items"]).sum(axis=0), within=1e-13)        #? new_user !full_gram
'''
